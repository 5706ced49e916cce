"""A reminder as a letter: a PDF/A-3 page for a window envelope.

In: the data of the page, its setting, a digest that depends on the reminder and the wording alone.
Not in: printing and posting.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from correspondence.payment_code import drawn
from correspondence.statement import code_of
from correspondence.typesetting import typeset
from domain.reminder import Reminder

if TYPE_CHECKING:
    from correspondence.wording import Wording


@dataclass(frozen=True)
class Letter:
    """Holds a letter as it is to be printed; `digest` is the SHA-256 of its data and its templates."""

    subject: str
    pdf: bytes
    digest: str


def render_letter(reminder: Reminder, wording: "Wording") -> Letter:
    """Writes the letter of a reminder, dated on the reminder's day; equal inputs give equal bytes.

    Raises ConfigurationFault where the wording lacks the message or its page does not compile.
    """
    subject, data = _data(reminder, wording)
    digest = hashlib.sha256(f"{data}\0{wording.letter_source(reminder)}".encode()).hexdigest()
    return Letter(subject=subject, pdf=_pdf(reminder, wording, data), digest=digest)


def set_letter(reminder: Reminder, wording: "Wording") -> bytes:
    """Sets the page alone."""
    return _pdf(reminder, wording, _data(reminder, wording)[1])


def _pdf(reminder: Reminder, wording: "Wording", data: str) -> bytes:
    name = str(wording.place(f"{reminder.language}/{reminder.wording}/letter.typ"))
    return typeset(wording.letter_source(reminder), data, reminder.day, name=name)


def _data(reminder: Reminder, wording: "Wording") -> tuple[str, str]:
    said = wording.statement(reminder, "letter")
    subject = wording.fill(reminder, "subject.txt", said)
    code = code_of(reminder)
    more: dict[str, object] = {
        "subject": subject,
        "code_svg": code.svg if code else "",
        "link_svg": drawn(said.link) if said.link else "",
        "date": [reminder.day.year, reminder.day.month, reminder.day.day],
        **wording.both_words(reminder, said),
    }
    return subject, json.dumps(said.model_dump(mode="json") | more, ensure_ascii=False, sort_keys=True)
