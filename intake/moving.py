"""Open invoices moved to another version of a policy: looked at first, then done, account by account.

In: which accounts, the work through them, what is gathered of it.
Not in: what stays said and what is passed (domain/succession.py), the writing (ledger/moving.py), how people
ask for it (terminal/moving.py, console/pages/migrating.py).

Each account moves in a transaction of its own. A move that is cut short leaves whole accounts behind it, and
the same again moves what is left; what has moved already is not listed again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from domain.fact import Fact
from domain.faults import NotFound, RelanceError, Unavailable
from domain.policy import DunningPolicy
from ledger import policies
from ledger.database import Database
from ledger.moving import Move, accounts_under, carried_out, foreseen
from ledger.policies import Shelf

PATIENCE = 3
"""How many accounts in a row may find the database away before the rest is left for another time."""

BROKEN = (ValueError, LookupError, TypeError, ArithmeticError, AssertionError, SQLAlchemyError)
"""What facts that cannot be read raise: such an account is listed, and the others go on."""

Account = tuple[str, str]


class Failed(Fact):
    """Names an account that could not be moved, and why; nothing of it has changed."""

    creditor: str
    debtor: str
    problem: str


@dataclass
class Moving:
    """Gathers what was found or done, account by account."""

    versions: tuple[str, ...]
    to: str
    dry_run: bool
    moves: list[Move] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    not_reached: int = 0
    delivered: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Counts the cases by what becomes of them."""
        return dict(Counter(one.verdict for one in self.moves))


@dataclass(frozen=True)
class Mover:
    """Moves cases from versions of a policy to another, on the record, at one instant, for somebody."""

    database: Database
    shelf: Shelf
    now: datetime
    versions: tuple[str, ...]
    policy: DunningPolicy
    author: str

    @classmethod
    async def of(
        cls, database: Database, shelf: Shelf, now: datetime, source: str, policy: DunningPolicy, author: str
    ) -> "Mover":
        """Finds the versions to move from; raises NotFound where no invoice was ever under them."""
        async with database.reading() as conn:
            found = await policies.versions(conn, source)
        if not found:
            msg = f"no invoice was ever under a policy {source!r}; `list --json` names each one's version"
            raise NotFound(msg)
        versions = tuple(one for one in found if one != policy.version)
        return cls(database, shelf, now, versions, policy, author)

    def begin(self, *, dry_run: bool) -> Moving:
        """Begins a list."""
        return Moving(self.versions, self.policy.version, dry_run)

    async def accounts(
        self, creditors: Collection[str] | None = None, debtor: str | None = None
    ) -> list[Account]:
        """Lists the accounts that have such cases, of some creditors or of all."""
        async with self.database.reading() as conn:
            found = await accounts_under(conn, self.versions, None, debtor)
        return [one for one in found if creditors is None or one[0] in creditors]

    async def go_through(
        self, accounts: Sequence[Account], done: Moving, enough: Callable[[], bool] = lambda: False
    ) -> None:
        """Looks at accounts, or moves them, and gathers what is found or done until there is `enough`.

        An account that cannot be read is listed and stops no other.
        """
        done.not_reached = len(accounts)
        if accounts and not done.dry_run:
            async with self.database.writing() as conn:
                await policies.store(conn, self.policy, self.now)
        away = 0
        for account in accounts:
            if enough():
                return
            try:
                done.moves += await (self._look(account) if done.dry_run else self._act(account))
            except Unavailable as fault:
                away += 1
                done.failed.append(Failed(creditor=account[0], debtor=account[1], problem=str(fault)))
                if away == PATIENCE:
                    return
            except (RelanceError, *BROKEN) as fault:
                # The text of an unforeseen fault may quote names; its kind is enough to find the account.
                is_ours = isinstance(fault, RelanceError)
                told = str(fault) if is_ours else f"cannot be read ({type(fault).__name__})"
                done.failed.append(Failed(creditor=account[0], debtor=account[1], problem=told))
            else:
                away = 0
            done.not_reached -= 1

    async def _look(self, account: Account) -> list[Move]:
        async with self.database.reading() as conn:
            return await foreseen(conn, account, self.versions, self.policy, self.now, self.shelf)

    async def _act(self, account: Account) -> list[Move]:
        async with self.database.writing() as conn:
            return await carried_out(
                conn, account, self.versions, self.policy, self.author, self.now, self.shelf
            )
