"""Whether the words of a policy exist, asked before anything happens under it.

In: the check that the worker makes when it starts, without its slow proof.
Not in: the proof on sample invoices (correspondence/proof.py).
"""

from collections.abc import Iterable
from pathlib import Path

from correspondence.wording import Wording
from domain.policy import DunningPolicy


def check_words(policies: Iterable[DunningPolicy], folder: Path) -> None:
    """Raises ConfigurationFault where a step of a policy has no words in one of its languages."""
    # Wording.load also sets sample letters, which takes longer than a person waits for a preview.
    sources = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8", "replace")
        for path in sorted(folder.rglob("*.*"))
        if path.is_file()
    }
    wording = Wording(folder, sources)
    for policy in policies:
        wording.check(policy)
