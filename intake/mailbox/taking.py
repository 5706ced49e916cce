"""What follows from a mail: it is kept once, and a reply holds, a bounce marks the address.

In: the one transaction in which a mail is kept together with all that it changes.
Not in: whose it is (finding.py), how it is read by people (reading.py), how it is fetched (watching.py).
"""

from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import Hold, HoldScope
from domain.calendars import ONE_DAY, is_business_day, subdivision_of
from domain.receivable import Creditor
from intake.mailbox.finding import Found, comparable, find
from intake.readers.mail import Incoming, MailKind
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.schema import incoming
from ledger.writing import insert_once

HELD_DAYS = 5
"""For how many business days after it came a reply that nobody has read holds the debtor's next steps."""

READ_WITHIN_DAYS = 1
REASON = "reply to read"


class State(StrEnum):
    """Names what is still to be done with a mail: to be read, nothing, or to find out whose it is."""

    OPEN = "open"
    READ = "read"
    UNKNOWN = "unknown"


async def take(database: Database, shelf: Shelf, mail: Incoming, now: datetime) -> State | None:
    """Keeps a mail with all that follows from it; None for one that was taken before, and changes nothing.

    Raises Unavailable for a busy database.
    """
    async with database.writing() as conn:
        if await _is_known(conn, mail):
            return None
        found = await find(conn, mail)
        state = _state(mail, found)
        # The row comes first: whoever else has fetched the same mail waits for it, and then knows it.
        if not await insert_once(conn, incoming, _row(mail, found, state, now)):
            return None
        if found is not None:
            book = await Book.open(conn, found.creditor, found.debtor, now, shelf)
            await _follow(book, mail, found)
            await book.settle()
        return state


async def _is_known(conn: AsyncConnection, mail: Incoming) -> bool:
    """Tells whether a mail was taken before, perhaps as another copy, which other servers handed on."""
    same = incoming.c.id == mail.id
    if mail.message_id is not None:
        same |= (
            (incoming.c.message_id == mail.message_id)
            & (incoming.c.sender == mail.sender)
            & (incoming.c.subject == mail.subject)
        )
    return (await conn.execute(sa.select(incoming.c.id).where(same).limit(1))).first() is not None


def _state(mail: Incoming, found: Found | None) -> State:
    if found is None:
        return State.UNKNOWN
    return State.OPEN if mail.kind in {MailKind.REPLY, MailKind.UNKNOWN} else State.READ


def _row(mail: Incoming, found: Found | None, state: State, now: datetime) -> dict[str, object]:
    return {
        "id": mail.id,
        "message_id": mail.message_id,
        "creditor": found.creditor if found else None,
        "debtor": found.debtor if found else None,
        "kind": mail.kind.value,
        "received_at": min(mail.dated or now, now),
        "sender": mail.sender,
        "subject": mail.subject,
        "text": mail.text,
        "invoices": list(found.invoices) if found else [],
        "state": state.value,
        "hold": hold_id(mail.id) if state is State.OPEN else None,
        "at": now,
    }


def hold_id(mail: str) -> str:
    """Derives the id of the hold that a reply places."""
    return f"reply-{mail[:32]}"


def task_key(mail: str) -> str:
    """Derives the key of the task that asks for a reply to be read."""
    return f"reply:{mail}"


async def _follow(book: Book, mail: Incoming, found: Found) -> None:
    match mail.kind:
        case MailKind.REPLY | MailKind.UNKNOWN:
            await _replied(book, mail, found)
        case MailKind.BOUNCE:
            await _bounced(book, mail, found)
        case MailKind.DELAYED:
            await _log(book, "message.delayed", mail, found)
        case MailKind.AUTO_REPLY:
            await _log(book, "mail.automatic", mail, found)
        case _:
            assert_never(mail.kind)


async def _log(book: Book, kind: str, mail: Incoming, found: Found) -> None:
    """Enters a mail into the journal; whom it names stays out of it."""
    statuses = sorted({one.status for one in mail.recipients if one.status})
    facts = {"message": found.message} if found.message else {}
    facts |= {"status": ", ".join(statuses)} if statuses else {}
    await book.log(kind, found.lead, mail=mail.id, invoices=list(found.invoices), **facts)


async def _replied(book: Book, mail: Incoming, found: Found) -> None:
    """Holds the debtor's next steps for a bounded time and asks a person to read."""
    await _log(book, "mail.replied", mail, found)
    creditor = book.account.creditor
    hold = Hold(
        id=hold_id(mail.id),
        scope=HoldScope.DEBTOR,
        starts_on=book.today,
        until=business_day_after(book.today, HELD_DAYS, creditor),
        reason=REASON,
    )
    await book.place_hold(hold, "relance")
    due = business_day_after(book.today, READ_WITHIN_DAYS, creditor)
    await book.open_task("reply", task_key(mail.id), found.lead, due, {"mail": mail.id})


async def _bounced(book: Book, mail: Incoming, found: Found) -> None:
    """Marks the addresses that were refused for good and asks a person for better ones.

    A refusal that does not blame the address, of a message too large or a sender not trusted, marks none:
    one mistake of ours must not make every debtor unreachable.
    """
    await _log(book, "message.bounced", mail, found)
    if mail.recipients and all(one.is_soft for one in mail.recipients):
        return
    written_to = {comparable(address) for address in found.recipients}
    blamed = {
        address
        for one in mail.recipients
        if one.blames_address
        for address in map(comparable, one.addresses)
        if address in written_to
    }
    marked = await _mark(book, blamed)
    if blamed and not marked:
        return  # each of them is marked already, and asked for
    detail = {"mail": mail.id, "message": found.message, "address": ", ".join(sorted(blamed))}
    due = business_day_after(book.today, READ_WITHIN_DAYS, book.account.creditor)
    await book.open_task("bounce", f"bounce:{mail.id}", found.lead, due, detail)


async def _mark(book: Book, blamed: set[str]) -> bool:
    """Marks contacts as not to be written to; False where none is left to be marked."""
    debtor = book.account.debtor
    contacts = tuple(
        contact.model_copy(update={"bounced_on": book.today})
        if contact.email and contact.bounced_on is None and comparable(contact.email) in blamed
        else contact
        for contact in debtor.contacts
    )
    return await book.put_debtor(debtor.model_copy(update={"contacts": contacts}))


def business_day_after(day: date, count: int, creditor: Creditor) -> date:
    """Finds the day that lies so many of the creditor's business days after a day."""
    subdivision = subdivision_of(creditor.country, creditor.address.postcode, creditor.subdivision)
    while count:
        day += ONE_DAY
        count -= is_business_day(day, creditor.country, subdivision)
    return day
