"""Whose a mail is: by the message that it answers, else by the invoices that its subject names.

In: the lookups in the record.
Not in: reading the mail (readers/mail.py), and what follows from it (taking.py).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact
from domain.receivable import Debtor
from intake.readers.mail import Incoming
from ledger.schema import debtors, invoices, messages

MOST_WORDS = 40
LONGEST_NUMBER = 4
"""How many words an invoice's number may have."""

_NOT_IN_NUMBERS = re.compile(r"[^A-Za-z0-9 ._/#-]+")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_MESSAGE = sa.select(
    *(messages.c[name] for name in ("id", "creditor", "debtor", "lead", "invoices", "message_id")),
    *(messages.c[name] for name in ("recipients", "sent_at")),
)


class Found(Fact):
    """States whose a mail is, the invoices that it is about, and our message that it answers.

    `lead` is the invoice by which people know the matter; `recipients` are those of the message.
    """

    creditor: str
    debtor: str
    lead: str
    invoices: tuple[str, ...]
    message: str | None = None
    recipients: tuple[str, ...] = ()


async def find(conn: AsyncConnection, mail: Incoming) -> Found | None:
    """Finds whose a mail is; None where nobody can tell."""
    return await _by_message(conn, mail) or await _by_subject(conn, mail)


async def _by_message(conn: AsyncConnection, mail: Incoming) -> Found | None:
    named = messages.c.message_id.in_(mail.answers) | messages.c.id.in_(mail.keys)
    if not mail.answers and not mail.keys:
        return None

    def telling(row: sa.Row[Any]) -> tuple[int, int, datetime]:
        """Prefers what the mail answers most directly; a message voided and said again has a later row."""
        answered = mail.answers.index(row.message_id) if row.message_id in mail.answers else len(mail.answers)
        key = mail.keys.index(row.id) if row.id in mail.keys else len(mail.keys)
        return -answered, -key, row.sent_at or _LONG_AGO

    row = max((await conn.execute(_MESSAGE.where(named))).all(), key=telling, default=None)
    if row is None:
        return None
    return Found(
        creditor=row.creditor,
        debtor=row.debtor,
        lead=row.lead,
        invoices=tuple(row.invoices),
        message=row.id,
        recipients=tuple(row.recipients),
    )


async def _by_subject(conn: AsyncConnection, mail: Incoming) -> Found | None:
    """Finds the one account that has an invoice of the subject and a contact with the sender's address."""
    numbers = set(_numbers(mail.subject))
    if mail.sender is None or not numbers:
        return None
    either = numbers | {f"{number}/1" for number in numbers}
    of = (debtors.c.creditor == invoices.c.creditor) & (debtors.c.id == invoices.c.debtor)
    query = sa.select(invoices.c.creditor, invoices.c.debtor, invoices.c.number, debtors.c.facts).join(
        debtors, of
    )
    rows = await conn.execute(query.where(invoices.c.number.in_(either)).order_by(invoices.c.number))
    sender = comparable(mail.sender)
    named: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if sender in addresses(Debtor.model_validate(row.facts)):
            named.setdefault((row.creditor, row.debtor), []).append(row.number)
    if len(named) != 1:
        return None
    ((creditor, debtor), found) = named.popitem()
    return Found(creditor=creditor, debtor=debtor, lead=found[0], invoices=tuple(found))


def _numbers(subject: str) -> Iterator[str]:
    """Yields every run of words of a subject that may be an invoice's number, as written and in capitals."""
    left = MOST_WORDS
    for segment in _NOT_IN_NUMBERS.split(subject):
        words = segment.split()[:left]
        left -= len(words)
        for length in range(1, LONGEST_NUMBER + 1):
            for start in range(len(words) - length + 1):
                number = " ".join(words[start : start + length]).strip(" ._/#-")[:64]
                if any(character.isdigit() for character in number):
                    yield from (number, number.upper())


def addresses(debtor: Debtor) -> frozenset[str]:
    """Lists the addresses of a debtor's contacts, usable or not, as `comparable` writes them."""
    return frozenset(comparable(contact.email) for contact in debtor.contacts if contact.email)


def comparable(address: str) -> str:
    """Writes an address so that it equals itself: in lower case, its domain as mail servers write it."""
    local, _, domain = address.strip().lower().rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:  # no domain that a mail server knows
        return f"{local}@{domain}"
