"""Every message, in every language and shape: complete, in the right tone, with the right facts."""

import io
import re

import pytest
from pypdf import PdfReader

from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.samples import line, reminder, samples
from correspondence.wording import Wording
from domain.policy import Tone
from domain.receivable import PostalAddress
from domain.reminder import Reminder

BEFORE_DUE = ("pre-reminder", "term-approaching", "due-soon")
AFTER_DUE = ("overdue", "firm-reminder", "final-notice", "formal-notice")
LANGUAGES = ("en", "fr")
SHAPES = tuple(samples("overdue", "fr"))
COMING = ("one coming", "several coming")

THREATS = (
    "huissier", "commissaire", "tribunal", "juridiction", "poursuite", "contentieux", "judiciaire",
    "mise en demeure", "recouvrement", "pénalité", "court", "bailiff", "lawsuit", "legal action",
    "formal notice", "recovery", "penalt", "interest",
)  # fmt: skip


def shown(html: str) -> str:
    """Reduces HTML to what a reader sees."""
    body = re.sub(r"<style.*?</style>|<title>.*?</title>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&nbsp;", " ").split())


def plain(text: str) -> str:
    """Puts ordinary spaces for the fixed ones of French typography."""
    return re.sub(r"[\u00a0\u202f]", " ", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", BEFORE_DUE + AFTER_DUE)
def test_every_shape_is_complete(wording: Wording, message: str, language: str) -> None:
    """Each message says who asks, of whom, for what, how to pay and whom to ask, in text and in HTML."""
    for shape, sample in samples(message, language).items():
        email = render_email(sample, wording)
        for text in (plain(email.text), plain(shown(email.html))):
            assert sample.creditor.legal_name in text, shape
            assert sample.debtor.legal_name in text, shape
            assert all(one.number in text for one in sample.lines), shape
            assert (sample.creditor.reply_to or sample.creditor.email) in text, shape
            assert "{" not in text, shape
            assert "None" not in text, shape
        assert email.subject, shape
        assert "\n" not in email.subject, shape
        assert sample.lines[0].number in email.subject or sample.lines[-1].number in email.subject, shape


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", AFTER_DUE)
def test_after_the_due_date_the_data_is_dated(wording: Wording, message: str, language: str) -> None:
    """After the due date every message dates its payment data and asks to be disregarded if it crossed."""
    day, crossed = {"fr": ("12/10/2026", "entre-temps"), "en": ("12 October 2026", "crossed")}[language]
    for shape in ("one", "several", "mixed", "received", "bare"):
        email = render_email(samples(message, language)[shape], wording)
        for text in (email.text, shown(email.html)):
            assert re.search(rf"(connaissance, au|as of) {day}", text), shape
            assert crossed in text, shape


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", [*BEFORE_DUE, "overdue", "firm-reminder"])
def test_nothing_threatens_before_the_final_notice(wording: Wording, message: str, language: str) -> None:
    """No word of recovery, court or penalties stands in a message softer than the final notice."""
    for sample in samples(message, language).values():
        email = render_email(sample, wording)
        said = f"{email.subject} {email.text} {shown(email.html)}".lower()
        assert [threat for threat in THREATS if threat in said] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", ["final-notice"])
def test_only_the_formal_notice_names_a_court(wording: Wording, message: str, language: str) -> None:
    """The final notice announces recovery, and neither a court nor a formal notice."""
    for sample in samples(message, language).values():
        said = render_email(sample, wording).text.lower()
        assert not any(
            word in said for word in ("tribunal", "juridiction", "mise en demeure", "court", "formal notice")
        )
        assert "recouvrement" in said or "recovery" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", BEFORE_DUE)
def test_before_the_due_date_nobody_is_reminded(wording: Wording, message: str, language: str) -> None:
    """Before the due date the words relance and reminder do not appear, nor any reproach of lateness."""
    for shape in COMING:
        email = render_email(samples(message, language)[shape], wording)
        said = f"{email.subject} {email.text} {shown(email.html)}".lower()
        assert not re.search(r"relanc|remind|retard|\blate\b|overdue|past due|dépassée", said)


def test_pre_reminder_asks_the_three_questions(wording: Wording) -> None:
    """The pre-reminder asks whether the invoice arrived, satisfies, and lacks anything (S3-07)."""
    text = plain(render_email(samples("pre-reminder", "fr")["one coming"], wording).text)
    assert "cette facture vous est-elle bien parvenue ?" in text
    assert "entière satisfaction ?" in text
    assert "un numéro de commande" in text


def test_seed_sentences_keep_their_meaning(wording: Wording) -> None:
    """The messages of the seeds say the term, the last day, to our knowledge, recovery (S1-11 to 14)."""
    coming = {name: samples(name, "fr")["one coming"] for name in ("term-approaching", "due-soon")}
    term, soon = (plain(render_email(sample, wording).text) for sample in coming.values())
    late = plain(render_email(samples("overdue", "fr")["one"], wording).text)
    final = plain(render_email(samples("final-notice", "fr")["one"], wording).text)
    assert "facture n° F2026-0040" in term
    assert "arrive bientôt à son terme" in term
    assert "au plus tard le 15/10/2026" in soon
    assert "nous trouverons un accord ensemble" in soon
    assert "À notre connaissance" in late
    assert "relative à la livraison BL-2093" in final
    assert "une procédure de recouvrement sera engagée" in final


def test_plural_follows_the_number_of_invoices(wording: Wording) -> None:
    """One invoice is spoken of in the singular, several in the plural."""
    one = plain(render_email(samples("overdue", "fr")["one"], wording).text)
    several = plain(render_email(samples("overdue", "fr")["several"], wording).text)
    many = plain(render_email(samples("overdue", "fr")["many"], wording).text)
    assert "votre facture n° F2026-0023, dont l\u2019échéance" in one
    assert "vos factures n° F2026-0023 et F2026-0031" in several
    assert "vos factures n° F2026-0112, F2026-0111, F2026-0110 et 3 autres" in many


def test_overdue_and_coming_stand_apart(wording: Wording) -> None:
    """A mixed message asks now for what is overdue, and lists what is to come under its own heading."""
    text = plain(render_email(samples("overdue", "fr")["mixed"], wording).text)
    overdue, upcoming = text.split("À ÉCHOIR")
    assert "F2026-0040 du" not in overdue
    assert "F2026-0040 du" in upcoming
    assert "il reste 1 720,71 € à payer" in overdue
    assert "Total à régler : 2 131,11 €" in upcoming
    assert "dont échu à ce jour : 1 720,71 €" in upcoming


def test_money_received_comes_off(wording: Wording) -> None:
    """AC-40: a receivable of 100 with 50 received lists the 50 and asks for 50, in e-mail and letter."""
    half = reminder("overdue", "fr", (line("B", 5, "100.00"),), received="50.00", tone=Tone.COURTEOUS)
    text = plain(render_email(half, wording).text)
    assert "Règlement reçu, en attente d\u2019affectation : - 50,00 €" in text
    assert "Total à régler : 50,00 €" in text
    assert "il reste 50,00 € à payer" in text


@pytest.mark.parametrize(("language", "written"), [("fr", "20/10/2026"), ("en", "20 October 2026")])
def test_deadline_is_printed(wording: Wording, language: str, written: str) -> None:
    """AC-15: the deadline of a payment period stands in the message, as a date of its language."""
    email = render_email(samples("final-notice", language)["one"], wording)
    assert written in email.text
    assert written in shown(email.html)


def test_earlier_messages_are_recalled_only_when_firm(wording: Wording) -> None:
    """A courteous message does not recall earlier ones; a firm one gives their dates."""
    lines = (line("F1", 12, "100.00"),)
    soft = render_email(reminder("overdue", "fr", lines, tone=Tone.COURTEOUS), wording).text
    firm = render_email(reminder("firm-reminder", "fr", lines, tone=Tone.FIRM), wording).text
    assert "02/10/2026" not in soft
    assert "courriel du 22/09/2026" in firm
    assert "courriel du 02/10/2026" in firm


def test_law_is_that_of_the_creditor(wording: Wording) -> None:
    """A French creditor cites the Code de commerce, another one the directive."""
    french, abroad = (samples("final-notice", "fr")[shape] for shape in ("several", "received"))
    assert "L. 441-10" in plain(render_email(french, wording).text)
    assert "2011/7/UE" in plain(render_email(abroad, wording).text)


def test_french_typography(wording: Wording) -> None:
    """French texts put no ordinary space before a double punctuation mark, and none is missing."""
    for message in BEFORE_DUE + AFTER_DUE:
        text = render_email(samples(message, "fr")["mixed"], wording).text
        assert not re.search(r" [:;?!]", text), message
        assert not re.search(r"[a-zé][:;?!](\s|$)", text), message


def test_same_reminder_same_digest(wording: Wording) -> None:
    """The text depends on the reminder and the wording alone, and a change shows in the digest."""
    sample = samples("overdue", "fr")["one"]
    assert render_email(sample, wording) == render_email(sample, wording)
    other = Reminder.model_validate(sample.model_dump() | {"asked": "1.00", "lines": sample.lines[:1]})
    assert render_email(other, wording).digest != render_email(sample, wording).digest
    assert render_letter(other, wording).digest != render_letter(sample, wording).digest


def test_names_are_text_and_not_markup(wording: Wording) -> None:
    """A debtor named like a program prints as its name in text, HTML and letter."""
    sample = samples("overdue", "fr")["one"]
    name = "#evil[x] $1$ <b> {{ 7*7 }}"
    debtor = sample.debtor.model_copy(
        update={
            "legal_name": name,
            "address": PostalAddress(lines=("#pagebreak()",), postcode="1", city="*x*"),
        }
    )
    evil = sample.model_copy(update={"debtor": debtor})
    email = render_email(evil, wording)
    assert name in email.text
    assert "#evil[x] $1$ &lt;b&gt; {{ 7*7 }}" in email.html
    reader = PdfReader(io.BytesIO(render_letter(evil, wording).pdf))
    assert len(reader.pages) == 1
    assert "#evil[x] $1$ <b> {{ 7*7 }}" in reader.pages[0].extract_text()
    assert "#pagebreak()" in reader.pages[0].extract_text()
