"""The link of a message: a signed, expiring address at which its debtor sees what is owed and answers.

In: making the link of a reminder, and reading one that somebody opens.
Not in: where the keys come from (config/secrets.py), and what the page shows (console/answers/).

A token is base64url of: version (1 byte), last day of validity (3, big-endian days since 0001-01-01), id of
the reminder (16), length of the creditor's id (1), creditor and debtor in ASCII, HMAC-SHA256 of all that cut
to 16 bytes (RFC 2104 allows half). Nothing is kept of it: equal reminders give equal links, so that what is
foretold is what leaves.
"""

import binascii
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from domain.fact import Fact, Key
from domain.reminder import Reminder

VERSION = 1
PURPOSE = b"relance:answer\0"
"""Keeps what is signed here from being taken for anything else that the same key may sign."""

MAC = 16
HEAD = 21
LONGEST = 256
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")


class Invitation(Fact):
    """Says for whom a link was made, by which reminder, and its last day."""

    creditor: Key
    debtor: Key
    reminder: UUID
    until: date


@dataclass(frozen=True)
class Links:
    """Makes and reads links under one address.

    The first of `keys` signs, all are accepted: a new key is put before the old one, which is taken out
    once its links have expired. `days` is how long a link is valid, counted from the reminder's day.
    """

    public_url: str
    keys: tuple[bytes, ...] = field(repr=False)
    days: int

    def link(self, reminder: Reminder) -> str:
        """Gives the address at which the debtor of a reminder answers."""
        return f"{self.public_url}/a/{self.token(reminder)}"

    def token(self, reminder: Reminder) -> str:
        """Signs for whom the link is and until when."""
        creditor, debtor = reminder.creditor.id.encode(), reminder.debtor.id.encode()
        until = (reminder.day + timedelta(days=self.days)).toordinal()
        head = bytes((VERSION,)) + until.to_bytes(3) + reminder.id.bytes + bytes((len(creditor),))
        body = head + creditor + debtor
        return urlsafe_b64encode(body + _mac(self.keys[0], body)).rstrip(b"=").decode()

    def read(self, token: str, today: date) -> Invitation | None:
        """Reads a token; None for one that is forged, cut, of another version, or expired.

        Which of these it is makes no difference to anybody, so nobody is told.
        """
        content = _decoded(token)
        body, mac = content[:-MAC], content[-MAC:]
        # Every key is tried, so that the time taken does not tell which one fits.
        signed = [hmac.compare_digest(_mac(key, body), mac) for key in self.keys]
        if not any(signed) or len(body) <= HEAD or body[0] != VERSION:
            return None
        until = date.fromordinal(int.from_bytes(body[1:4]))
        if today > until:
            return None
        end = HEAD + body[HEAD - 1]
        return Invitation(
            creditor=body[HEAD:end].decode(),
            debtor=body[end:].decode(),
            reminder=UUID(bytes=body[4 : HEAD - 1]),
            until=until,
        )


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, PURPOSE + body, "sha256")[:MAC]


def _decoded(token: str) -> bytes:
    """Decodes a token that is written in the one way in which we write it; else nothing."""
    if not _TOKEN.fullmatch(token):
        return b""
    try:
        content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return b""
    return content if urlsafe_b64encode(content).rstrip(b"=").decode() == token else b""
