"""An account at an earlier instant, rebuilt from its journal, is the account that was on record then.

In: one account through everything that can be written of it, on both kinds of database.
Not in: what is concluded from it (tests/ledger/test_days.py).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from domain.actions import Because, Rule, StepOutcome, StepTaken
from domain.agreements import HowEnded, Stop
from domain.receivable import Allocation
from ledger import parties, policies, switches
from ledger.book import Book
from ledger.hindsight import accounts_at
from ledger.queries import find_case
from ledger.views import case as reading
from tests.agreements.made import dispute, promise, settlement
from tests.domain import build
from tests.ledger.conftest import NOON, RULES, Clerk

HOUR = timedelta(hours=1)
BESIDE = {"revision", "booked_to"}
"""What is not asked of a past account: how often it was written to, and what banks knew."""

Deed = Callable[[Book], Awaitable[Any]]


def _facts(account: Any) -> Any:
    told = account.model_dump(mode="json", exclude=BESIDE)
    for case in told["cases"]:
        case["taken"].sort(key=str)
    return told


class Life:
    """Writes deeds down, an hour apart, and remembers how the account stood after each."""

    def __init__(self, clerk: Clerk) -> None:
        """Takes the clerk."""
        self.clerk = clerk
        self.stood: list[tuple[datetime, Any]] = []

    async def remember(self) -> None:
        """Remembers the account as it stands."""
        self.stood.append((self.clerk.now, _facts(await self.clerk.account())))
        self.clerk.now += HOUR

    async def do(self, *deeds: Deed) -> None:
        """Does deeds on the account, each in a transaction of its own."""
        for deed in deeds:
            async with self.clerk.book() as book:
                await deed(book)
            await self.remember()


async def test_the_journal_tells_the_account_at_every_instant(clerk: Clerk) -> None:
    """Whatever was billed, sent, paid, agreed, held and stopped: the journal alone tells how it stood."""
    life, other = Life(clerk), build.ladder(2, 30, id="other")
    async with clerk.database.writing() as conn:
        await policies.store(conn, other, NOON)
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2", due="2026-05-31"))
    await life.remember()
    clerk.now = build.at("2026-03-02 08:00")
    await life.do(
        lambda book: book.put_payment(build.payment("30.00", F_1="20.00")),
        lambda book: book.allocate("VIR-1", (Allocation(invoice="F-2", amount="30.00"),), "anna"),
        lambda book: book.place_hold(build.hold("2026-03-02", "2026-03-09"), "anna"),
        lambda book: book.lift_hold("H-1", "anna"),
        lambda book: book.put_credit_note(build.credit_note("5.00", invoice="F-1")),
        lambda book: book.cancel_credit_note("A-1"),
        lambda book: book.reverse_payment("VIR-1", "no cover"),
        lambda book: book.put_debtor(build.debtor(legal_name="Dubois et fils SARL")),
        lambda book: book.skip_step("F-1", "D-10", "known well", "anna"),
    )
    first = await clerk.reserve("F-1", "2026-03-30 10:00")
    await life.remember()
    await life.do(lambda book: book.mark_ambiguous(first, "the line went dead"))
    await life.do(
        lambda book: book.judge_ambiguous(first, delivered=True, reason="they said so", author="anna"),
        lambda book: book.void_message(first, "to the wrong people", "anna"),
        lambda book: book.hurry("F-1", "D-3", "anna"),
        lambda book: book.write_off("F-2", written_off=True, reason="too small"),
        lambda book: book.write_off("F-2", written_off=False, reason="not so small"),
    )
    sent = await clerk.send("F-1", "2026-04-02 10:00")
    await life.remember()
    await life.do(
        lambda book: book.put_agreement(dispute(made="2026-04-02", amount="40.00"), "anna"),
        lambda book: book.end_agreement("D-1", HowEnded.REJECTED, "delivered in full", "anna"),
        lambda book: book.put_agreement(promise(made="2026-04-02"), "anna"),
        lambda book: book.end_agreement("P-1", HowEnded.WITHDRAWN, "said in error", "anna"),
        lambda book: book.put_agreement(settlement(made="2026-04-02"), "anna"),
        lambda book: book.approve_agreement("S-1", "bruno"),
        lambda book: book.block("F-2", Because(rule=Rule.UNREACHABLE)),
        lambda book: book.unblock("F-2"),
        lambda book: book.move_policy("F-2", other.version, "anna"),
        lambda book: book.take_step(
            "F-2", StepTaken(step="1", outcome=StepOutcome.TASK, day=build.day("2026-04-02"))
        ),
    )
    await _of_everybody(life)
    await life.do(lambda book: book.put_payment(build.payment("60.00", reference="VIR-2", on="2026-04-03")))
    assert sent != first
    await _compare(life)


async def _of_everybody(life: Life) -> None:
    """Writes what concerns the creditor and the whole installation."""
    clerk, stop = life.clerk, Stop(policy="seed")
    for held in (True, False):
        async with clerk.database.writing() as conn:
            if held:
                hold = build.hold("2026-04-02", "2026-04-09", "creditor", id="H-2")
                await parties.hold_all(conn, "acme", hold, "anna", clerk.now)
                await switches.stop(conn, stop, "anna", "a test", clerk.now)
            else:
                await parties.lift_all(conn, "acme", "H-2", "anna", build.day("2026-04-02"), clerk.now)
                await switches.resume(conn, stop, "anna", clerk.now)
        await life.remember()
    async with clerk.database.writing() as conn:
        await parties.payments_known(conn, "acme", clerk.now, clerk.now)
        await parties.put_creditor(conn, build.creditor(legal_name="Acme & Cie SAS"), clerk.now)
    await life.remember()


async def _compare(life: Life) -> None:
    clerk = life.clerk
    async with clerk.database.reading() as conn:
        chain = await reading.chain(conn, await find_case(conn, "F-1"), clerk.shelf)
    instants = [NOON - HOUR, *(at for at, _ in life.stood)]
    unknown, *told = accounts_at(chain.entries, instants)
    assert unknown is None
    assert len(told) > 25
    for account, (at, stood) in zip(told, life.stood, strict=True):
        assert _facts(account) == stood, at
    assert chain.policies.keys() == {RULES.version, *(one for one in chain.policies if "other" in one)}
