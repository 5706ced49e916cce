"""The mailbox against the record: every message that left is there once, and nothing else is.

In: comparing what a mail server has taken with what is on record, by Message-ID and by hash.
Not in: how messages are taken out of a mailbox.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from audit.findings import Kind, Report, Tally
from ledger.database import Database
from ledger.schema import messages

IDENTITY = re.compile(r"<?([^@<>\s]+)@")
"""The part of a Message-ID before its domain: the id that the message has on record."""

LEFT, NEVER = {"sent", "voided"}, {"failed"}

COLUMNS = (
    messages.c.id,
    messages.c.creditor,
    messages.c.debtor,
    messages.c.lead,
    messages.c.step,
    messages.c.state,
    messages.c.sha256,
    messages.c.sent_at,
)


async def audit_mailbox(
    database: Database, received: Iterable[tuple[str, bytes]], *, now: datetime, creditor: str | None = None
) -> Report:
    """Compares a mailbox, as (Message-ID, bytes), with the e-mails on record.

    What is on record as sent lies there once with the recorded bytes, what failed never, what is
    ambiguous or still leaving at most once. A message that a person judged as delivered, without proof,
    may be there or not.
    """
    began = perf_counter()
    tally = Tally()
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for header, content in received:
        tally.counts["in_mailbox"] += 1
        named = IDENTITY.search(header)
        found[named[1] if named else header][sha256(content).hexdigest()] += 1
    query = sa.select(*COLUMNS).where(messages.c.channel == "email").order_by(messages.c.id)
    if creditor is not None:
        query = query.where(messages.c.creditor == creditor)
    async with database.reading() as conn:
        async for row in await conn.stream(query):
            _compare(row, found.pop(row.id, Counter()), tally)
    for name, hashes in found.items():
        sentence = "the record does not know this message of the mailbox"
        tally.find(Kind.STRAY, sentence, message=name)
        if hashes.total() > 1:
            _twice(tally, hashes.total(), message=name)
    return tally.report(now, lambda: perf_counter() - began, creditor=creditor)


def _compare(row: Any, hashes: Counter[str], tally: Tally) -> None:
    where = {
        "creditor": row.creditor,
        "debtor": row.debtor,
        "invoice": row.lead,
        "step": row.step,
        "message": row.id,
        "at": row.sent_at,
    }
    copies = hashes.total()
    if copies > 1:
        _twice(tally, copies, **where)
    if row.state in NEVER and copies:
        sentence = "the message lies in the mailbox, on record it never left"
        tally.find(Kind.DENIED, sentence, **where)
    if row.state in LEFT and row.sha256 is not None:
        if not copies:
            sentence = "the message is on record as sent, the mailbox does not have it"
            tally.find(Kind.NOT_IN_MAILBOX, sentence, **where)
        elif row.sha256 not in hashes:
            sentence = "the message in the mailbox has other bytes than those on record"
            tally.find(Kind.ALTERED, sentence, **where)


def _twice(tally: Tally, copies: int, **where: Any) -> None:
    tally.find(Kind.TWICE_IN_MAILBOX, f"the message lies in the mailbox {copies} times", **where)
