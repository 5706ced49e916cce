"""A mail that came back, read: what kind it is, which messages it answers, what is new in it.

In: bounces, delays, automatic replies and replies told apart (RFC 3464, 3834), for any bytes whatever.
Not in: whose it is (mailbox/finding.py), what follows (mailbox/taking.py), the fetching (mailbox/imap.py).
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import sha256

from domain.fact import Fact, Instant
from intake.mailbox import parts, reports
from intake.mailbox.parts import Part
from intake.mailbox.replies import new_text
from intake.mailbox.reports import Recipient

LARGEST = 10 * 1024 * 1024
"""The largest mail of which more than the header fields is read, in bytes."""

LONGEST_SUBJECT = 500
MOST_ANSWERED = 30

_MESSAGE_ID = re.compile(r"<[^<>\s]{3,253}>")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_OURS = re.compile(rf"<({_UUID})@")
_NAMED = re.compile(rf"<{_UUID}@[^<>\s]{{1,200}}>")
_KEY = re.compile(rf"^[ \t>]*X-Relance-Key:[ \t]*({_UUID})", re.MULTILINE | re.IGNORECASE)
_IN_BRACKETS = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,253})>")
_ADDRESS = re.compile(r"[^\s<>()\",;:@]{1,64}@[^\s<>()\",;:@]{1,253}")
_DELAYED = re.compile(r"\b(?:delay|delayed|retard|retardé|warning)\b", re.IGNORECASE)

POSTMASTERS = {"mailer-daemon", "postmaster", "mail-daemon"}
AUTOMATIC = {"x-autoreply", "x-autorespond", "x-autoresponder"}
IMPERSONAL = {"bulk", "junk", "auto_reply"}
"""Precedences of mails that no person wrote; `list` is not among them: a mailbox may be fed by a list."""


class MailKind(StrEnum):
    """Names the kinds of mails that come back; UNKNOWN is one that says too little, and is for a person."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    UNKNOWN = "unknown"


class Incoming(Fact):
    """States what a mail says; `id` is the SHA-256 of its bytes, or of its header fields if it is too large.

    `answers` are the Message-IDs that it answers, the most telling first; `keys` the ids under which Relance
    wrote those messages. `sender` is an address, `text` what it says anew, `dated` what its sender says.
    """

    id: str
    kind: MailKind
    message_id: str | None = None
    answers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    sender: str | None = None
    subject: str = ""
    text: str = ""
    dated: Instant | None = None


def read(data: bytes) -> Incoming:
    """Reads a mail; never raises for what is in it. Of one above 10 MiB the header fields alone are read."""
    if len(data) > LARGEST:
        data = re.split(rb"\r?\n\r?\n", data[: parts.LONGEST_HEAD], maxsplit=1)[0]
    mail = parts.read(data)
    sender = _sender(mail.field("from"))
    text = new_text(mail)
    returned = _returned(mail, sender)
    answers = [name.message_id for name in returned]
    answers += _MESSAGE_ID.findall(mail.field("in-reply-to"))
    answers += reversed(_MESSAGE_ID.findall(mail.field("references")))
    answered = tuple(dict.fromkeys(filter(_MESSAGE_ID.fullmatch, answers)))[:MOST_ANSWERED]
    keys = [name.key for name in returned if re.fullmatch(_UUID, name.key)]
    keys += [found[1] for one in answered if (found := _OF_OURS.match(one))]
    recipients = reports.recipients(mail)
    own = _MESSAGE_ID.search(mail.field("message-id"))
    return Incoming(
        id=sha256(data).hexdigest(),
        kind=_kind(mail, sender, recipients, returned=bool(returned), answers=bool(answered)),
        message_id=own[0] if own else None,
        answers=answered,
        keys=tuple(dict.fromkeys(keys))[:MOST_ANSWERED],
        recipients=recipients,
        sender=sender,
        subject=_subject(mail),
        text=text,
        dated=_dated(mail.field("date")),
    )


def _kind(
    mail: Part, sender: str | None, recipients: tuple[Recipient, ...], *, returned: bool, answers: bool
) -> MailKind:
    about = reports.report_type(mail)
    if reports.is_report(mail):
        return _reported(recipients)
    if returned and _is_postmaster(sender):
        return MailKind.DELAYED if _DELAYED.search(_subject(mail)) else MailKind.BOUNCE
    if about == "disposition-notification" or _is_automatic(mail):
        return MailKind.AUTO_REPLY
    if about or (sender is None and not answers):
        return MailKind.UNKNOWN
    return MailKind.REPLY


def _reported(recipients: tuple[Recipient, ...]) -> MailKind:
    """Reads a report by its worst news; one that names no recipient is taken for a bounce."""
    actions = {one.action for one in recipients}
    if not actions or "failed" in actions:
        return MailKind.BOUNCE
    return MailKind.DELAYED if "delayed" in actions else MailKind.AUTO_REPLY


def _is_automatic(mail: Part) -> bool:
    """Tells whether a program wrote the mail, by what it says itself, or that wants no answer (RFC 3834)."""
    submitted = mail.field("auto-submitted").partition(";")[0].strip().lower()
    if submitted not in {"", "no"} or mail.field("precedence").lower() in IMPERSONAL:
        return True
    return mail.field("return-path") == "<>" or any(name in AUTOMATIC for name, _ in mail.fields)


def _is_postmaster(sender: str | None) -> bool:
    return sender is not None and sender.partition("@")[0] in POSTMASTERS


def _returned(mail: Part, sender: str | None) -> list[reports.Original]:
    """Finds the messages that a mail gives back: in a part of its own, or in the text of an old server."""
    found = list(reports.originals(mail)) if reports.is_report(mail) else []
    if not found and _is_postmaster(sender):
        text = "\n".join(_texts(mail))
        keys = _KEY.findall(text)[:MOST_ANSWERED]
        found = [reports.Original(name, "") for name in _NAMED.findall(text)[:MOST_ANSWERED]]
        found += [reports.Original("", key.lower()) for key in keys]
    return found


def _texts(mail: Part) -> list[str]:
    """Gives every text of a mail, and the beginning of what is attached as a message."""
    return [part.text() for part in mail.walk() if part.kind.startswith(("text/", "message/"))]


def _sender(stated: str) -> str | None:
    found = _IN_BRACKETS.findall(stated) or _ADDRESS.findall(stated)[:1]
    return found[-1].lower() if found and len(found[-1]) <= reports.LONGEST_ADDRESS else None


def _subject(mail: Part) -> str:
    return " ".join(parts.decoded(mail.field("subject")).split())[:LONGEST_SUBJECT]


def _dated(stated: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(stated)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # any of these, for one odd date or another
        return None
