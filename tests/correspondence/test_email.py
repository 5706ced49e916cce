"""The bytes of an e-mail: its headers, its parts, and that nothing from outside can forge them."""

import io
import re
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from uuid import UUID

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from correspondence.email import Email, message_id, render_email, to_mime
from correspondence.formats import one_line
from correspondence.samples import line, reminder, samples
from correspondence.wording import Wording
from domain.faults import InputRefused
from domain.reminder import Reminder

SENT_AT = datetime(2026, 10, 12, 9, 0, tzinfo=timezone(timedelta(hours=2)))
PDF = ("F2026-0023.pdf", b"%PDF-1.7 sample")


def sent(sample: Reminder, wording: Wording, *attachments: tuple[str, bytes]) -> bytes:
    """Wraps a reminder as it would leave."""
    return to_mime(
        render_email(sample, wording), message_id=message_id(sample), sent_at=SENT_AT, attachments=attachments
    )


def read(content: bytes) -> EmailMessage:
    """Reads an e-mail back."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers(wording: Wording) -> None:
    """The headers name sender, recipient, language, key and Message-ID, and say that a machine wrote it."""
    sample = samples("overdue", "fr")["one"]
    message = read(sent(sample, wording))
    assert message["From"] == "Atelier Martin SAS <comptabilite@atelier-martin.example>"
    assert message["To"] == "compta@boulangerie.example"
    assert message["Reply-To"] == "Atelier Martin SAS <comptabilite@atelier-martin.example>"
    assert message["Message-ID"] == f"<{sample.id}@atelier-martin.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["X-Relance-Key"] == str(sample.id)
    assert message["Date"] == "Mon, 12 Oct 2026 09:00:00 +0200"
    assert message["Subject"] == render_email(sample, wording).subject


def test_parts_and_attachments(wording: Wording) -> None:
    """The e-mail holds its text, its HTML with the code inside, and the files given, bytes unchanged."""
    sample = samples("overdue", "fr")["one"]
    email = render_email(sample, wording)
    message = read(sent(sample, wording, PDF, ("../../etc/conditions\r\n.txt", b"\x00\xff")))
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == email.text
    assert html.get_content().replace("\r\n", "\n").strip() == email.html.strip()
    files = list(message.iter_attachments())
    assert [file.get_filename() for file in files] == ["F2026-0023.pdf", "conditions .txt"]
    assert [file.get_content() for file in files] == [PDF[1], b"\x00\xff"]
    images = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [image["Content-ID"] for image in images] == [f"<{email.code_id}>"]
    assert f"cid:{email.code_id}" in email.html


def test_nothing_is_loaded_from_afar(wording: Wording) -> None:
    """The HTML refers to nothing on the network."""
    for message in wording.messages:
        if not wording.speaks(message):
            html = render_email(samples(message, "en")["mixed"], wording).html
            assert "http" not in html
            assert "url(" not in html
            assert "@media (prefers-color-scheme: dark)" in html


def test_equal_inputs_give_equal_bytes(wording: Wording) -> None:
    """The same reminder, instant and files give the same bytes, boundaries included."""
    sample = samples("final-notice", "fr")["several"]
    assert sent(sample, wording, PDF) == sent(sample, wording, PDF)


def test_code_can_be_scanned(wording: Wording) -> None:
    """The code in the e-mail asks for the amount payable now, to the creditor, under the reference."""
    for shape, amount in {"one": "1280.71", "mixed": "1720.71", "received": "1570.71"}.items():
        email = render_email(samples("overdue", "fr")[shape], wording)
        assert email.code is not None
        lines = zxingcpp.read_barcodes(Image.open(io.BytesIO(email.code)))[0].text.splitlines()
        assert lines[:4] == ["BCD", "002", "1", "SCT"]
        assert lines[5:8] == ["Atelier Martin SAS", "FR7630006000011234567890189", f"EUR{amount}"]
        assert lines[9].startswith("RF")
        assert lines[9] in email.text


def test_no_code_outside_the_euro(wording: Wording) -> None:
    """A message in another currency has no SEPA code, and says where the bank details are."""
    email = render_email(samples("overdue", "en")["bare"], wording)
    assert email.code is None
    assert "cid:" not in email.html
    assert "printed on the invoice" in email.text


@pytest.mark.parametrize(
    "attack", ["X\r\nBcc: evil@example.com", "X\nBcc: evil@example.com\n\nbody", "X\u2028Bcc: e", "\u202eX"]
)
def test_a_name_cannot_forge_a_header(wording: Wording, attack: str) -> None:
    """A line break in a name, or a mark that reverses the text, never reaches a header or starts a line."""
    sample = samples("overdue", "fr")["one"]
    evil = sample.model_copy(
        update={
            "creditor": sample.creditor.model_copy(update={"legal_name": attack}),
            "debtor": sample.debtor.model_copy(update={"legal_name": attack}),
            "lines": (
                sample.lines[0].model_copy(update={"delivery_reference": attack, "order_reference": attack}),
            ),
        }
    )
    for name in ("overdue", "final-notice"):
        message = read(sent(evil.model_copy(update={"wording": name}), wording))
        assert message["Bcc"] is None
        assert message.defects == []
        body = message.get_body(("plain",))
        assert body is not None
        assert not any(row.lstrip().startswith("Bcc:") for row in body.get_content().splitlines())
        assert "\u202e" not in body.get_content()


def test_an_invoice_number_cannot_forge_a_header(wording: Wording) -> None:
    """A number with a line break is refused by the facts, and one slipped past them stays in the subject."""
    sample = samples("overdue", "fr")["one"]
    evil = sample.model_copy(
        update={"lines": (sample.lines[0].model_copy(update={"number": "F1\r\nBcc: e@x.org"}),)}
    )
    message = read(sent(evil, wording))
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b",
        "a@example.com\r\nBcc: x@example.com",
        "a b@example.com",
        "@example.com",
        "a@example.com, c@example.com",
        "é@example.com",
    ],
)
def test_a_bad_address_is_refused(wording: Wording, recipient: str) -> None:
    """An address that is none, or several, is refused with its field and a remedy."""
    sample = samples("overdue", "fr")["one"].model_copy(update={"recipients": (recipient,)})
    with pytest.raises(InputRefused, match=r"recipients = .*write an address"):
        render_email(sample, wording)


def test_nobody_to_write_to_is_refused(wording: Wording) -> None:
    """An e-mail without recipients is not wrapped."""
    sample = samples("overdue", "fr")["one"].model_copy(update={"recipients": ()})
    with pytest.raises(InputRefused, match="at least one recipient"):
        sent(sample, wording)


def test_long_domains_and_long_subjects_survive(wording: Wording) -> None:
    """A long mail domain keeps its Message-ID whole, and an accented domain is written as mail servers do."""
    lines = tuple(line(f"FACTURE-DE-TRAVAUX-2026-{turn:040d}", 5, "10.00") for turn in range(4))
    base = reminder("overdue", "fr", lines)
    domain = "comptabilite.filiale-de-la-vallee-du-rhone.atelier-martin-et-associes.example"
    sample = base.model_copy(
        update={
            "creditor": base.creditor.model_copy(update={"email": f"a@{domain}"}),
            "recipients": ("compta@boulangerie-fée.example",),
        }
    )
    content = sent(sample, wording)
    assert f"Content-ID: <{render_email(sample, wording).code_id}>\r\n".encode() in content
    assert f"Message-ID: <{sample.id}@{domain}>\r\n".encode() in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    words = re.findall(rb"=\?utf-8\?[^?]*\?[^?]*\?=", content)
    assert words
    assert max(map(len, words)) <= 75
    assert read(content)["To"] == "compta@xn--boulangerie-fe-nkb.example"
    assert read(content)["Subject"] == render_email(sample, wording).subject


SIGNS = 'aé °\u2019&,;:<>@"()=?_F0'
NAMES = st.text(st.sampled_from(SIGNS), min_size=1, max_size=120).filter(str.strip)


@given(name=NAMES)
@settings(max_examples=60, deadline=None)
def test_headers_read_back_as_written(name: str) -> None:
    """Whatever accents and signs a name holds, subject and sender read back as they were written."""
    message = message_from_bytes(sent_as(one_line(name)))
    assert written(message["Subject"]) == one_line(name)
    sender, _, address = written(message["From"]).rpartition(" ")
    quoted = message["From"].startswith('"')
    assert (re.sub(r"\\(.)", r"\1", sender[1:-1]) if quoted else sender) == one_line(name)
    assert address == "<a@example.com>"


def written(header: str) -> str:
    """Reads a header by the older, exact decoder: the newer one puts a space between the parts of a name."""
    return str(make_header(decode_header(header)))


def sent_as(name: str) -> bytes:
    """Wraps a minimal e-mail whose sender and subject are the name given."""
    sender = Address(name, "a", "example.com")
    email = Email(
        id=UUID(int=1),
        language="fr",
        sender=sender,
        reply_to=sender,
        recipients=(sender,),
        subject=name,
        text="x",
        html="<p>x</p>",
        code=None,
        code_id="",
        digest="",
    )
    return to_mime(email, message_id="<1@example.com>", sent_at=SENT_AT)
