"""A reminder as an e-mail: its texts, and the exact bytes that are handed to the mail server.

In: subject, plain text, HTML with the payment code inside, MIME with a Message-ID of its own.
Not in: the sending, and the reading of what comes back.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import cache
from uuid import UUID

from css_inline import CSSInliner

from correspondence.formats import one_line
from correspondence.statement import code_of
from correspondence.wording import Wording
from domain.faults import InputRefused
from domain.reminder import Reminder

Attachment = tuple[str, bytes]
"""A file's name and its content."""

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")


_WORD_LENGTH = 72
"""Short enough for the encoded words of RFC 2047, which may have 75 characters."""


class _Mail(EmailPolicy):
    """Folds subjects by the older, exact encoder: the newer one may lose a space between accented words."""

    def fold(self, name: str, value: str) -> str:
        """Folds a header for sending."""
        if name.lower() != "subject":
            folded: str = super().fold(name, value)
            return folded
        header = Header(str(value), "us-ascii" if value.isascii() else "utf-8", header_name=name)
        return f"{name}: {header.encode(maxlinelen=_WORD_LENGTH, linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """Folds a header for sending, as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")


_MAIL = _Mail(linesep="\r\n")


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
    message = EmailMessage(policy=_MAIL)
    message["From"] = email.sender
    message["To"] = email.recipients
    message["Reply-To"] = email.reply_to
    message["Subject"] = one_line(email.subject)
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Relance-Key"] = str(email.id)
    _fill(message, email)
    for name, content in attachments:
        kind = "pdf" if name.lower().endswith(".pdf") else "octet-stream"
        message.add_attachment(content, maintype="application", subtype=kind, filename=_file_name(name))
    message["Content-Language"] = email.language
    _set_boundaries(message, email.id)
    return message.as_bytes()


def _fill(message: EmailMessage, email: Email) -> None:
    message.set_content(email.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(email.html, subtype="html", charset="utf-8", cte="quoted-printable")
    if email.code is None:
        return
    html = message.get_body(("html",))
    if isinstance(html, MIMEPart):
        html.add_related(
            email.code,
            maintype="image",
            subtype="png",
            cid=f"<{email.code_id}>",
            filename="virement.png" if email.language == "fr" else "transfer.png",
            disposition="inline",
        )


def _set_boundaries(message: EmailMessage, key: UUID) -> None:
    """Names the boundaries after the key: the library would draw them at random."""
    parts = [part for part in message.walk() if part.is_multipart()]
    for place, part in enumerate(parts):
        part.set_boundary(f"=_{key.hex}_{place}")


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
