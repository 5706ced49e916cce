"""A reminder as a call: what a person sees before dialling.

In: the title of the task, the script.
Not in: the call itself, and what came of it.
"""

import hashlib
from dataclasses import dataclass

from correspondence.wording import Wording
from domain.reminder import Reminder


@dataclass(frozen=True)
class CallSheet:
    """Holds the script of a call; `digest` is the SHA-256 of title and script."""

    title: str
    script: str
    phones: tuple[str, ...]
    digest: str


def render_call(reminder: Reminder, wording: Wording) -> CallSheet:
    """Writes the script of a call; raises ConfigurationFault where the wording has none for its message."""
    said = wording.statement(reminder, "call")
    title = wording.fill(reminder, "subject.txt", said)
    script = wording.fill(reminder, "script.txt", said)
    digest = hashlib.sha256(f"{title}\0{script}".encode()).hexdigest()
    return CallSheet(title=title, script=script, phones=said.debtor.phones, digest=digest)
