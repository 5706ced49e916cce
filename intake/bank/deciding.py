"""What is to become of bank entries: each held against the books, in the order of the account.

In: the decision on every entry, with what is kept of its reasons.
Not in: the rules of matching (domain/matching.py), reading the books (books.py), writing (booking.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bank import BankEntry
from domain.candidates import Candidate
from domain.matching import BankPayment, Proposal, match_return, propose, takes_back
from domain.reasons import Reason
from domain.receivable import Tolerance
from intake.bank.books import REMEMBERED, Books
from ledger.bank import Kept, State
from ledger.schema import bank_entries, payments

LIKELY = 0.5
"""The score from which on nobody is asked for money that may be there."""

POINTS = frozenset({Reason.ACCOUNT, Reason.NAME, Reason.SIREN, Reason.CUSTOMER_REFERENCE})
"""The reasons for which the same holds whatever the score: they point to the payer."""

STATES = {
    "book": State.BOOKED,
    "on_account": State.ON_ACCOUNT,
    "same": State.SAME,
    "ask": State.ASKED,
    "not_ours": State.NOT_OURS,
}


@dataclass(frozen=True)
class Decided:
    """Says what is to become of an entry: its state, whose account it concerns, and why.

    `booking` is what is recorded as a payment; `payment` the one on record that the entry is, or takes back.
    """

    kept: Kept
    state: State
    proposal: dict[str, Any]
    debtor: str | None = None
    booking: Candidate | None = None
    payment: str | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def likely(self) -> tuple[Candidate, ...]:
        """Lists the candidates that money may be there for."""
        return tuple(one for one in self.candidates if is_likely(one))


def is_likely(candidate: Candidate) -> bool:
    """Tells whether money may well be there for a candidate."""
    pointed = candidate.score >= LIKELY or not POINTS.isdisjoint(candidate.reasons)
    return pointed and candidate.recorded is None


def decide(kept: Kept, books: Books, tolerance: Tolerance, returnable: Sequence[BankPayment]) -> Decided:
    """Decides on one entry, and takes note of it in the books for those that follow."""
    if takes_back(kept.entry):
        return _returned(kept, returnable)
    proposal = propose(kept.entry, books.directory, tolerance)
    if kept.like is not None and proposal.decision not in {"ask", "not_ours"}:
        # Another kind of file told of this day and amount before: it may be the same money.
        proposal = proposal.model_copy(update={"decision": "ask", "booking": None})
    decided = _decided(kept, proposal)
    if decided.booking is not None:
        books.directory.booked(decided.booking.allocations)
    if decided.payment is not None:
        books.link(decided.payment)
    return decided


def _decided(kept: Kept, proposal: Proposal) -> Decided:
    said = proposal.model_dump(mode="json", exclude_none=True)
    if kept.like is not None:
        said["like"] = kept.like
    first = next(iter(proposal.candidates), None)
    whose = proposal.booking or first
    return Decided(
        kept=kept,
        state=STATES[proposal.decision],
        proposal=said,
        debtor=whose.debtor if whose is not None else None,
        booking=proposal.booking,
        payment=first.recorded if first is not None and proposal.decision == "same" else None,
        candidates=proposal.candidates,
    )


def _returned(kept: Kept, returnable: Sequence[BankPayment]) -> Decided:
    found = match_return(kept.entry, returnable)
    said = found.model_dump(mode="json", exclude_none=True)
    owners = {one.reference: one.debtor for one in returnable}
    if found.decision == "ask" or kept.like is not None:
        whose = owners[found.candidates[0]] if found.candidates else None
        return Decided(kept=kept, state=State.ASKED, proposal=said | {"decision": "ask"}, debtor=whose)
    payment = found.candidates[0]
    return Decided(kept=kept, state=State.RETURNED, proposal=said, debtor=owners[payment], payment=payment)


async def returnable(conn: AsyncConnection, creditor: str, entries: Iterable[BankEntry]) -> list[BankPayment]:
    """Lists the payments that could be what the returns among entries take back.

    A payment that no bank entry is linked to is known to the bank by its own reference, if at all.
    """
    back = [entry for entry in entries if takes_back(entry)]
    if not back:
        return []
    linked = sa.and_(
        bank_entries.c.creditor == payments.c.creditor,
        bank_entries.c.payment == payments.c.reference,
        bank_entries.c.state.in_((State.BOOKED.value, State.ON_ACCOUNT.value, State.SAME.value)),
    )
    query = (
        sa.select(payments, bank_entries.c.facts["entry"].label("entry"))
        .join(bank_entries, linked, isouter=True)
        .where(
            payments.c.creditor == creditor,
            payments.c.reversed.is_(False),
            payments.c.amount.in_({entry.amount for entry in back}),
            payments.c.received_on >= min(entry.booked_on for entry in back) - REMEMBERED,
        )
    )
    return [_payment(row) for row in await conn.execute(query.order_by(payments.c.reference))]


def _payment(row: sa.Row[Any]) -> BankPayment:
    entry = BankEntry.model_validate(row.entry) if row.entry else None
    return BankPayment(
        reference=row.reference,
        debtor=row.debtor,
        amount=row.amount,
        currency=row.currency,
        received_on=row.received_on,
        end_to_end=entry.end_to_end if entry is not None else row.reference,
        bank_reference=entry.bank_reference if entry is not None else None,
        payer_account=entry.payer_account if entry is not None else None,
    )
