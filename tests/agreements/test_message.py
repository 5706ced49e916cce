"""What a message says of a disputed part, in every message, medium and language."""

import io
from decimal import Decimal

import pytest
from pypdf import PdfReader

from correspondence.call import render_call
from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.samples import line, reminder
from correspondence.statement import code_of, payable_now
from correspondence.wording import Wording
from domain.reminder import Reminder

SAID = {
    "en": "of which €200.00 disputed, not asked for",
    "fr": "dont 200,00 € contestés, non réclamés",
}
WRITTEN = ("pre-reminder", "due-soon", "overdue", "firm-reminder", "final-notice", "formal-notice")


def disputed(message: str, language: str, *, days_overdue: int = 10) -> Reminder:
    """Makes a reminder of 1,280.71, of which 200.00 are disputed, and of 640.00."""
    first = line("F-1", days_overdue, "1280.71").model_copy(update={"disputed": Decimal("200.00")})
    lines = (first, line("F-2", days_overdue - 1, "640.00"))
    return reminder(message, language, lines).model_copy(update={"asked": Decimal("1720.71")})


def plain(text: str) -> str:
    """Puts ordinary spaces for the fixed ones, and one for several."""
    return " ".join(text.split())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("message", WRITTEN)
def test_every_message_names_the_disputed_part(wording: Wording, message: str, language: str) -> None:
    """Text and HTML show what is open, what of it is disputed, and a sum that leaves it out."""
    told = disputed(message, language, days_overdue=-5 if message in {"pre-reminder", "due-soon"} else 10)
    email = render_email(told, wording)
    sum_ = {"en": "€1,720.71", "fr": "1 720,71 €"}[language]
    for text in (plain(email.text), plain(email.html.replace("&nbsp;", " "))):
        assert text.count(SAID[language]) == 1
        assert sum_ in text
    bare = render_email(reminder(message, language, told.lines[1:]), wording)
    assert "disputed" not in bare.text + bare.html
    assert "contestés" not in bare.text + bare.html


@pytest.mark.parametrize("language", ["en", "fr"])
def test_letters_and_calls_name_the_disputed_part(wording: Wording, language: str) -> None:
    """So do the letter's table and the script of a call."""
    pdf = PdfReader(io.BytesIO(render_letter(disputed("formal-notice", language), wording).pdf))
    assert SAID[language] in plain(" ".join(page.extract_text() for page in pdf.pages))
    assert SAID[language] in plain(render_call(disputed("call", language), wording).script)


def test_the_payment_code_asks_for_the_rest() -> None:
    """The code and the payable amount leave the disputed part out; what is still to come is not due now."""
    told = disputed("overdue", "fr")
    code = code_of(told)
    assert code is not None
    assert "EUR1720.71" in code.text.splitlines()
    coming = told.model_copy(update={"lines": (told.lines[0], line("F-3", -5, "640.00"))})
    assert payable_now(coming) == Decimal("1080.71")
