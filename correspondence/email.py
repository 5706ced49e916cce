"""A reminder as an e-mail: its texts, and the exact bytes that are handed to the mail server.

In: subject, plain text, HTML with the payment code inside, MIME with a Message-ID of its own.
Not in: the sending, and the reading of what comes back.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime
from functools import cache
from uuid import UUID

from css_inline import CSSInliner

from correspondence import mime
from correspondence.formats import one_line
from correspondence.statement import code_of
from correspondence.wording import Wording
from domain.faults import InputRefused
from domain.reminder import Reminder

Attachment = tuple[str, bytes]
"""A file's name and its content."""

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")
_VERSION = mime.header("MIME-Version", "1.0")


@dataclass(frozen=True)
class Email:
    """Holds an e-mail ready to be wrapped; `digest` is the SHA-256 of subject, text and HTML.

    `code` is the PNG that the HTML shows under the content id `code_id`.
    """

    id: UUID
    language: str
    sender: Address
    reply_to: Address
    recipients: tuple[Address, ...]
    subject: str
    text: str
    html: str
    code: bytes | None
    code_id: str
    digest: str


def render_email(reminder: Reminder, wording: Wording) -> Email:
    """Writes the e-mail of a reminder; equal inputs give equal texts.

    Raises ConfigurationFault where the wording lacks the message, InputRefused for an address that
    cannot be written to.
    """
    creditor = reminder.creditor
    said = wording.statement(reminder, "email")
    code = code_of(reminder)
    code_id = f"code.{reminder.id.hex}@relance"  # short: a folded Content-ID would no longer be found
    subject = one_line(wording.fill(reminder, "subject.txt", said))
    text = wording.fill(reminder, "body.txt", said) + "\n"
    source = f"cid:{code_id}" if code else ""
    html = wording.fill(reminder, "body.html", said, code_source=source, **wording.both_words(reminder, said))
    html = _inliner().inline(html)
    name = one_line(creditor.legal_name)
    return Email(
        id=reminder.id,
        language=reminder.language,
        sender=_address(creditor.email, "creditor.email", name),
        reply_to=_address(creditor.reply_to or creditor.email, "creditor.reply_to", name),
        recipients=tuple(_address(recipient, "recipients") for recipient in reminder.recipients),
        subject=subject,
        text=text,
        html=html,
        code=code.png if code else None,
        code_id=code_id,
        digest=hashlib.sha256(f"{subject}\0{text}\0{html}".encode()).hexdigest(),
    )


def message_id(reminder: Reminder) -> str:
    """Derives the Message-ID: the reminder's id at the creditor's mail domain."""
    return f"<{reminder.id}@{_domain(reminder.creditor.email, 'creditor.email')}>"


def to_mime(
    email: Email, *, message_id: str, sent_at: datetime, attachments: Sequence[Attachment] = ()
) -> bytes:
    """Wraps an e-mail into the bytes that leave; equal inputs give equal bytes.

    `sent_at` is an aware instant. Raises InputRefused where nobody is addressed.
    """
    if not email.recipients:
        remedy = "an e-mail needs at least one recipient; add a contact with an e-mail address to the debtor"
        raise InputRefused(field="recipients", value=[], remedy=remedy)
    language = mime.header("Content-Language", email.language)
    boundary = f"=_{email.id.hex}_{{}}".format
    if attachments:
        body = _body(email, (boundary(1), boundary(2)))
        files = (_attachment(name, content) for name, content in attachments)
        content = mime.multipart("mixed", boundary(0), (body, *files), language)
    else:
        content = _body(email, (boundary(0), boundary(1)), language)
    return b"".join(
        (
            mime.mailboxes("From", (email.sender,)),
            mime.mailboxes("To", email.recipients),
            mime.mailboxes("Reply-To", (email.reply_to,)),
            mime.subject(one_line(email.subject)),
            mime.header("Date", format_datetime(sent_at)),
            mime.header("Message-ID", message_id),
            mime.header("Auto-Submitted", "auto-generated"),
            mime.header("X-Relance-Key", str(email.id)),
            _VERSION,
            content,
        )
    )


def _body(email: Email, boundaries: tuple[str, str], *headers: bytes) -> bytes:
    """Wraps the text, and the HTML with its code."""
    html = mime.text(email.html, "html") if email.code else mime.text(email.html, "html", _VERSION)
    if email.code:
        name = "virement.png" if email.language == "fr" else "transfer.png"
        shown = mime.disposition("inline", name)
        address = mime.header("Content-ID", f"<{email.code_id}>")
        code = mime.file(email.code, "image/png", shown, address, _VERSION)
        html = _VERSION + mime.multipart("related", boundaries[1], (html, code))
    return mime.multipart("alternative", boundaries[0], (mime.text(email.text, "plain"), html), *headers)


def _attachment(name: str, content: bytes) -> bytes:
    kind = "application/pdf" if name.lower().endswith(".pdf") else "application/octet-stream"
    return mime.file(content, kind, mime.disposition("attachment", _file_name(name)), _VERSION)


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _file_name(name: str) -> str:
    return one_line(re.split(r"[/\\]", name)[-1]) or "document"


def _address(email: str, field: str, name: str = "") -> Address:
    local, _, _ = email.rpartition("@")
    return Address(display_name=name, username=_local(local, email, field), domain=_domain(email, field))


def _local(local: str, email: str, field: str) -> str:
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise InputRefused(
            field, email, "write an address such as compta@example.com, in plain ASCII before the @"
        )
    return local


def _domain(email: str, field: str) -> str:
    """Gives the domain as mail servers write it: IDNA for one with accents."""
    try:
        domain = email.rpartition("@")[2].encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise InputRefused(field, email, "write an address with a full domain, such as compta@example.com")
    return domain
