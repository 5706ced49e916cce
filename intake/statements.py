"""Bank statements taken in: entries once each, their money booked, their days known from then on.

In: the order in which statements are taken in, and what is said about each.
Not in: formats (readers/bank/), whose account it is, matching, booking and days (bank/).

The days of a statement count as known once every entry of the account is decided about. Killed before, the
same statement is taken again: what was written is known, and the rest goes on.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from domain.bank import BankStatement
from domain.fact import Fact
from domain.faults import InputRefused
from intake.bank.coverage import covered_by
from intake.bank.days import plan_waiting, take_days
from intake.bank.owners import Owned, owner
from intake.bank.passes import Progress, match_waiting
from ledger import bank, bank_queries
from ledger.bank import State
from ledger.bank_accounts import Covered
from ledger.database import Database

log = structlog.get_logger(__name__)


class StatementReport(Fact):
    """Says what was understood of a statement and what became of its entries.

    `known_to` is the day up to which the account is known since. The counts are those of new entries;
    `known` were on record, `undecided` could not be decided about and are taken up the next time.
    """

    format: str
    creditor: str
    account: str
    booked_from: date | None
    booked_to: date
    known_to: date | None
    entries: int
    known: int
    booked: int = 0
    on_account: int = 0
    same: int = 0
    asked: int = 0
    not_ours: int = 0
    returned: int = 0
    undecided: int = 0
    pending: int = 0
    notes: tuple[str, ...] = ()

    @property
    def new(self) -> int:
        """Counts the entries that were not on record."""
        return self.entries - self.known


async def take_statement(
    database: Database, statement: BankStatement, *, now: datetime, source: str = ""
) -> StatementReport:
    """Takes a statement in; the same one again changes nothing.

    Raises InputRefused, with nothing written, for an account that is nobody's or several creditors', and
    for days that lie in the future; Unavailable for a busy database: the same statement can be sent again.
    """
    [report] = await take_statements(database, [statement], now=now, source=source)
    if isinstance(report, InputRefused):
        raise report
    return report


async def take_statements(
    database: Database,
    statements: Iterable[BankStatement],
    *,
    now: datetime,
    source: str = "",
    torn: bool = False,
    progress: Progress | None = None,
) -> list[StatementReport | InputRefused]:
    """Takes the statements of one file in, and says of each what became of it, or why it was refused.

    `torn` says that entries of the file could not be read: days count as known only where the balances
    prove that none of a statement's own is among them.
    """
    kept = [await _keep(database, one, now, source, torn=torn) for one in statements]
    good = [one for one in kept if not isinstance(one, InputRefused)]
    creditors = {one.owned.creditor.id: one.owned.creditor for one in good}
    states: dict[str, State] = {}
    for creditor in creditors.values():
        states |= await match_waiting(database, creditor, now=now, progress=progress)
    good.sort(key=lambda one: one.statement.booked_to)
    reports = {id(one): await _told(database, one, states, now) for one in good}
    for name in creditors:
        await plan_waiting(database, name, now)
    return [one if isinstance(one, InputRefused) else reports[id(one)] for one in kept]


class _Kept(NamedTuple):
    """Holds a statement whose entries are on record, whose it is, and the days that it covers."""

    statement: BankStatement
    owned: Owned
    days: Covered | None
    counted: bank.Counted


async def _keep(
    database: Database, statement: BankStatement, now: datetime, source: str, *, torn: bool
) -> _Kept | InputRefused:
    """Writes the entries of a statement down, under the name that its account has with us."""
    try:
        async with database.reading() as conn:
            owned = await owner(conn, statement.account, statement.currency)
        today = now.astimezone(ZoneInfo(owned.creditor.time_zone)).date()
        whole = not torn or None not in {statement.opening, statement.closing}
        days = covered_by(statement, today, whole=whole)
    except InputRefused as refusal:
        return refusal
    statement = statement.model_copy(update={"account": owned.account})
    async with database.writing() as conn:
        counted = await bank.keep(conn, owned.creditor.id, statement, source, now)
    return _Kept(statement, owned, days, counted)


async def _told(database: Database, kept: _Kept, states: dict[str, State], now: datetime) -> StatementReport:
    """Lets the days of a statement count as known, and says what became of its entries."""
    statement, owned, counted = kept.statement, kept.owned, kept.counted
    async with database.reading() as conn:
        # Another process may have decided about some of them.
        others = await bank_queries.states(conn, owned.creditor.id, counted.new - states.keys())
    outcome = Counter((states | others)[entry] for entry in counted.new)
    known, notes = await take_days(database, owned, kept.days, now)
    entries, new = len(statement.entries), len(counted.new)
    log.info("statement_taken", creditor=owned.creditor.id, format=statement.format, entries=entries, new=new)
    return StatementReport(
        format=statement.format,
        creditor=owned.creditor.id,
        account=owned.account,
        booked_from=statement.booked_from,
        booked_to=statement.booked_to,
        known_to=known.booked_to if known is not None else None,
        entries=entries,
        known=counted.known,
        pending=statement.pending,
        notes=(*statement.notes, *notes),
        undecided=outcome[State.READ],
        **{state.value: outcome[state] for state in State if state.value in StatementReport.model_fields},
    )
