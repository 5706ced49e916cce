"""The door: the only way for a fact to come in.

In: `admit()`, which checks an event, writes it in one transaction and plans what follows from it.
Not in: bytes and rows (readers/, loading.py), and telling the runs (relay.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.answers import DebtorAnswered
from domain.events import (
    AgreementEnded,
    AgreementMade,
    CreditNoteCancelled,
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    InvoiceWrittenOff,
    PaymentReceived,
    PaymentReversed,
    PaymentsKnown,
    StatusReported,
)
from domain.policy import DunningPolicy
from intake import (
    agreements,
    answers,
    credits,  # noqa: A004 - the accountant's credits
    identity,
    invoices,
    lifecycle,
    parties,
    receipts,
)
from intake.admission import Admission, Status
from intake.visit import Visit
from ledger.database import Database
from ledger.policies import Shelf

Also = Callable[[AsyncConnection, Admission], Awaitable[None]]
"""Writes more in the transaction of an event that is not refused."""

log = structlog.get_logger(__name__)


class Door:
    """Lets events in: each is checked, written in one transaction, and planned for, or refused whole."""

    def __init__(self, database: Database, catalogue: Mapping[str, DunningPolicy]) -> None:
        """Takes the record, and the policies on offer by their ids."""
        self._database = database
        self._catalogue = catalogue
        self._shelf = Shelf()

    @property
    def database(self) -> Database:
        """Gives the record that the door writes to."""
        return self._database

    async def admit(
        self,
        event: Event | DebtorAnswered,
        *,
        now: datetime,
        source: str = "",
        author: str = agreements.BY_INTAKE,
        also: Also | None = None,
    ) -> Admission:
        """Takes an event in and says what became of it.

        `source` names where it came from, for the log; `author` who agreed, for the record. `also` writes
        more in the same transaction; what it raises undoes everything.

        An event that says what the record says already changes nothing. Raises InputRefused for one that
        contradicts the record or cannot be meant, with nothing written; Unavailable for a busy database.
        """
        identity.check(event)
        async with self._database.writing() as conn:
            admission = await _admit(Visit(conn, now, self._catalogue, self._shelf), event, author)
            if also is not None:
                await also(conn, admission)
        if isinstance(event, PaymentsKnown):
            # Known or not: what planned these accounts the first time may have been cut short.
            await self._plan_anew(admission.creditor, now, waiting_for=Rule.STALE)
        elif isinstance(event, CreditorRegistered) and admission.status is Status.TAKEN:
            await self._plan_anew(admission.creditor, now)
        log.debug(
            "event_admitted",
            status=admission.status.value,
            event_type=admission.event,
            creditor=admission.creditor,
            invoices=list(admission.numbers),
            source=source,
        )
        return admission

    async def _plan_anew(self, creditor: str, now: datetime, *, waiting_for: Rule | None = None) -> None:
        """Plans the open accounts of a creditor anew, a transaction for each, so that none waits for all."""
        async with self._database.reading() as conn:
            accounts = await parties.open_accounts(conn, creditor, waiting_for)
        for debtor in accounts:
            async with self._database.writing() as conn:
                visit = Visit(conn, now, self._catalogue, self._shelf)
                await parties.plan_anew(visit, creditor, debtor)


async def _admit(  # noqa: C901, PLR0911, PLR0912 - one each
    visit: Visit, event: Event | DebtorAnswered, author: str
) -> Admission:
    match event:
        case CreditorRegistered():
            return await parties.creditor_registered(visit, event, author)
        case DebtorRegistered():
            return await parties.debtor_registered(visit, event, author)
        case InvoiceCreated():
            return await invoices.invoice_created(visit, event)
        case InvoiceWrittenOff():
            return await invoices.invoice_written_off(visit, event)
        case PaymentReceived():
            return await receipts.payment_received(visit, event)
        case PaymentReversed():
            return await receipts.payment_reversed(visit, event)
        case CreditNoteIssued():
            return await credits.credit_note_issued(visit, event)
        case CreditNoteCancelled():
            return await credits.credit_note_cancelled(visit, event)
        case PaymentsKnown():
            return await parties.payments_known(visit, event)
        case AgreementMade():
            return await agreements.agreement_made(visit, event, author)
        case AgreementEnded():
            return await agreements.agreement_ended(visit, event, author)
        case StatusReported():
            return await lifecycle.status_reported(visit, event)
        case DebtorAnswered():
            return await answers.debtor_answered(visit, event)
