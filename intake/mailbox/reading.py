"""Mails as people read them: which ones wait, and what happens once one is read.

In: listing, finding, reading; the address that works again.
Not in: how mails come in (watching.py, taking.py).
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.fact import Fact, Instant
from domain.faults import NotFound
from intake.mailbox.finding import comparable
from intake.mailbox.taking import State, task_key
from intake.parties import unblock
from intake.readers.mail import MailKind
from ledger import tasks
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.schema import incoming

SHORTEST_ID = 8


class KeptMail(Fact):
    """States what is on record of a mail; `at` is when it was taken, `received_at` what the mail says."""

    id: str
    kind: MailKind
    state: State
    creditor: str | None
    debtor: str | None
    invoices: tuple[str, ...]
    received_at: Instant | None
    sender: str | None
    subject: str
    text: str
    hold: str | None
    at: Instant

    @classmethod
    def of(cls, row: sa.Row[Any]) -> "KeptMail":
        """Reads a row of the table."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


_READ = sa.select(*(incoming.c[name] for name in KeptMail.model_fields))


async def waiting(conn: AsyncConnection, limit: int = 200) -> list[KeptMail]:
    """Lists the mails that wait for a person, the oldest first."""
    states = (State.OPEN.value, State.UNKNOWN.value)
    query = _READ.where(incoming.c.state.in_(states)).order_by(incoming.c.at, incoming.c.id)
    return [KeptMail.of(row) for row in await conn.execute(query.limit(limit))]


async def find_mail(conn: AsyncConnection, mail: str) -> KeptMail:
    """Finds a mail by its id or the beginning of it; raises NotFound where that is none, or several."""
    query = _READ.where(incoming.c.id.startswith(mail, autoescape=True)).limit(2)
    rows = (await conn.execute(query)).all() if len(mail) >= SHORTEST_ID else []
    if len(rows) != 1:
        msg = f"no mail {mail!r}, or several; give {SHORTEST_ID} or more characters of its id"
        raise NotFound(msg)
    return KeptMail.of(rows[0])


async def mark_read(
    database: Database, shelf: Shelf, mail: str, author: str, now: datetime, resolution: str = "read"
) -> bool:
    """Records that a person has read a mail: its task is closed and its hold ends today.

    False for one that was read before. Raises NotFound.
    """
    async with database.writing() as conn:
        kept = await find_mail(conn, mail)
        unread = (incoming.c.id == kept.id) & (incoming.c.state != State.READ.value)
        if not (
            await conn.execute(sa.update(incoming).where(unread).values(state=State.READ.value))
        ).rowcount:
            return False
        if kept.creditor is not None and kept.debtor is not None:
            book = await Book.open(conn, kept.creditor, kept.debtor, now, shelf)
            await tasks.close_if_open(book, task_key(kept.id), resolution, author)
            await _let_go(book, kept.hold, author)
            await book.settle()
        return True


async def _let_go(book: Book, hold: str | None, author: str) -> None:
    """Lifts the hold of a reply, where it still holds anything."""
    for placed in book.account.holds:
        if placed.id == hold and placed.lifted_on is None and placed.until >= book.today:
            await book.lift_hold(placed.id, author)


async def use_again(book: Book, address: str, author: str = "relance") -> bool:
    """Takes the mark of a bounce off an address that works again; False where it bears none.

    What could not reach anybody is tried again, and nobody needs to ask for a better address any more.
    Settle the book afterwards.
    """
    debtor = book.account.debtor
    wanted = comparable(address)
    contacts = tuple(
        contact.model_copy(update={"bounced_on": None})
        if contact.email and comparable(contact.email) == wanted
        else contact
        for contact in debtor.contacts
    )
    if not await book.put_debtor(debtor.model_copy(update={"contacts": contacts})):
        return False
    await unblock(book, Rule.UNREACHABLE)
    await tasks.close_about(book, "bounce", "address", wanted, "the address works again", author)
    return True
