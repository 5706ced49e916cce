"""The record as the commands open it: settings, database, policies, the clock, and the way to the runs.

In: opening, and delivering what was written to the runs that wait for it.
Not in: what is read and written (the modules of the commands), and deliveries themselves (intake/relay.py).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from config.catalogue import load_policies
from config.settings import Settings, load
from domain.actions import CaseRef
from domain.faults import ConfigurationFault, NotFound, Unavailable
from domain.policy import DunningPolicy
from intake.door import Door
from intake.relay import Relay
from intake.temporal import connect
from ledger import queries
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import CaseLine, Filters
from terminal.screen import warn
from terminal.texts import check_words

PATIENCE_SECONDS = 4.0
"""How long a command waits for Temporal before it says that it is away."""

MANY = 1000
"""How many cases are looked through for the number that was meant."""


@dataclass
class Record:
    """Holds the open record for the length of one command; `now` is the instant at which it runs."""

    settings: Settings
    database: Database
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    shelf: Shelf = field(default_factory=Shelf)

    @cached_property
    def catalogue(self) -> Mapping[str, DunningPolicy]:
        """Reads the policies that new invoices can be put under."""
        return load_policies(self.settings.folders.policies)

    def check_words(self) -> None:
        """Raises ConfigurationFault where a policy that a new invoice may come under has no words."""
        check_words(self.catalogue.values(), self.settings.folders.wording)

    @cached_property
    def door(self) -> Door:
        """Gives the only way in for facts."""
        return Door(self.database, self.catalogue)

    async def find(self, number: str, creditor: str | None) -> CaseLine:
        """Finds a case by its number; raises NotFound, or InputRefused where a creditor must be named."""
        async with self.database.reading() as conn:
            try:
                return await queries.find_case(conn, number, creditor)
            except NotFound as fault:
                alike = await queries.cases(conn, Filters(text=number, creditor=creditor), limit=MANY)
                hint = _hint(number, sorted({line.number for line in alike}))
                if not hint:
                    raise
                msg = f"{fault}; {hint}"
                raise NotFound(msg) from fault

    async def ref(self, number: str, creditor: str | None) -> CaseRef:
        """Names the case of a number."""
        line = await self.find(number, creditor)
        return CaseRef(creditor=line.creditor, number=line.number)

    @asynccontextmanager
    async def book(self, creditor: str, debtor: str) -> AsyncIterator[Book]:
        """Opens an account for writing; its cases are planned anew at the end, in the same transaction."""
        async with self.database.writing() as conn:
            book = await Book.open(conn, creditor, debtor, self.now, self.shelf)
            yield book
            await book.settle()

    async def deliver(self) -> bool:
        """Tells the runs what was written; where Temporal is away, warns that the worker will do it."""
        try:
            await self.relay_all()
        except Unavailable as fault:
            warn(f"{fault}. The facts are kept; the wake-ups wait for the worker's relay.")
            return False
        return True

    async def relay_all(self) -> None:
        """Delivers every wake-up that waits; raises Unavailable."""
        async with self.database.reading() as conn:
            waiting = (await queries.counts(conn))["errands"]
        if not waiting:
            return
        relay = Relay(self.database, await connect(patience=PATIENCE_SECONDS), self.settings.task_queue)
        while await relay.deliver():
            pass


def _hint(number: str, known: list[str]) -> str:
    """Names the numbers that were perhaps meant: the maturities of an invoice, or other letters' case."""
    wanted = number.casefold()
    parts = [one for one in known if one.casefold().startswith(f"{wanted}/")]
    if parts:
        return f"it falls due in parts, each with its own number: {', '.join(parts)}"
    same = [one for one in known if one.casefold() == wanted]
    return f"did you mean {' or '.join(same)}?" if same else ""


@asynccontextmanager
async def opened(*, create: bool = False) -> AsyncIterator[Record]:
    """Opens the record; `create` sets a new one up.

    Raises ConfigurationFault for settings that cannot be used, for a record that does not exist yet and
    for one that another release wrote; Unavailable where the database cannot be reached.
    """
    settings = load()
    async with await Database.open(settings.database_url) as database:
        if await database.version() is None:
            if not create:
                msg = "there is no record yet: begin with `starter.py import FILE`, or `starter.py migrate`"
                raise ConfigurationFault(msg)
            await database.migrate()
        await database.check()
        yield Record(settings, database)
