"""Statuses through the whole door: invoices that come later, that are mended, credited, paid."""

from typing import Any

import pytest

from audit.auditing import audit
from domain.actions import Ending
from intake.admission import Admission, Status
from ledger.book import Book
from tests.domain import build
from tests.lifecycle.conftest import Network, a_status

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

REFUSED: dict[str, Any] = {"reasons": ("MONTANTTOTAL_ERR",)}


async def admit(network: Network, code: str, at: str = "2026-03-02 10:00", **more: Any) -> Admission:
    """Hands a status in at the door."""
    return await network.porter.admit(a_status(code, at, **more))


async def test_the_door_takes_statuses(network: Network) -> None:
    """A status is admitted like any event, and the same one again is known."""
    assert (await admit(network, "210", **REFUSED)).status is Status.TAKEN
    assert (await admit(network, "210", **REFUSED)).status is Status.KNOWN
    assert await network.blocked() == ("rejected", "210")


async def test_what_waited_is_applied(network: Network) -> None:
    """Statuses that came before their invoice count from its first day; the later one decides."""
    await admit(network, "205", "2026-03-02 11:00", number="G-1")
    await admit(network, "207", number="G-1", reasons=("QTE_ERR",))
    await admit(network, "210", "2026-03-02 11:30", number="G-2", **REFUSED)
    assert "2 that waited for it applied" in (await network.porter.bill("G-1")).what
    await network.porter.bill("G-2")
    assert await network.disputes() == []
    assert await network.blocked("G-2") == ("rejected", "210")
    assert (await network.porter.next("G-2")).kind == "wait"


async def test_what_cannot_be_applied_is_set_aside(network: Network) -> None:
    """A status of another year's invoice of that number does not keep the invoice out."""
    await admit(network, "207", number="G-1", issue_date="2025-03-01", reasons=("QTE_ERR",))
    assert "1 that waited for it set aside" in (await network.porter.bill("G-1")).what
    (kept,) = await network.porter.aside()
    assert kept.problem["field"] == "issue_date"


async def test_a_later_version_lets_it_go_on(network: Network) -> None:
    """A refused invoice that comes corrected goes on; a late refusal of the old version is only noted."""
    await admit(network, "210", **REFUSED)
    await network.porter.bill(total="90.00", version=2)
    assert (await network.blocked(), await network.kinds()) == (None, [])
    late = await admit(network, "213", "2026-03-02 09:00", reporter="WK", **REFUSED)
    assert late.what.endswith("noted, nothing follows from it")
    assert await network.blocked() is None
    network.porter.now = build.at("2026-03-03 12:00")
    await admit(network, "210", "2026-03-03 10:00", message="again", **REFUSED)
    assert await network.blocked() == ("rejected", "210")


async def test_a_credit_note_lets_it_go_on(network: Network) -> None:
    """A refused invoice that is corrected by a credit note goes on with the rest."""
    await admit(network, "210", **REFUSED)
    await network.porter.credit("10.00", invoice="F-1")
    assert (await network.blocked(), await network.kinds()) == (None, [])


async def test_a_person_lets_it_go_on(network: Network) -> None:
    """Whoever closes the task says that the invoice is in order: it goes on, for all that was reported."""
    await admit(network, "210", **REFUSED)
    (task,) = await network.tasks()

    async def close(book: Book) -> None:
        await book.close_task(task.id, "sent again through the portal", "anna")

    await network.book(close)
    assert await network.blocked() is None
    await admit(network, "202", "2026-03-02 11:00", reporter="WK")
    assert await network.blocked() is None


async def test_the_day_of_delivery_is_no_correction(network: Network) -> None:
    """Who sends the invoice again, or its next version, need not know when it was delivered."""
    await admit(network, "203", reporter="WK")
    assert (await network.porter.bill()).status is Status.KNOWN
    await network.porter.bill(total="90.00", version=2)
    assert (await network.case()).invoice.delivered_on == build.day("2026-03-02")


async def test_a_paid_invoice_asks_nobody(network: Network) -> None:
    """When the invoice is paid, what statuses asked of people is asked no more."""
    for turn, code in enumerate(("208", "227", "226", "210")):
        await admit(network, code, f"2026-03-02 10:0{turn}", reporter=None, **REFUSED)
    assert len(await network.kinds()) == 4
    await network.porter.pay(invoice="F-1")
    assert await network.porter.ending() is Ending.PAID
    assert await network.kinds() == []


async def test_what_the_factor_collects_stays_his(network: Network) -> None:
    """Money that comes back does not bring reminders for a debt that was sold."""
    await admit(network, "225", reporter="DL")
    await network.porter.pay(invoice="F-1")
    await network.porter.take("payment.reversed", reference="VIR-1")
    assert await network.blocked() == ("factored", "225")


async def test_a_rejected_maturity_asks_a_person_each(network: Network) -> None:
    """Every due date that cannot go on has its task, and closing it lets that one go on."""
    parts = [{"due_date": f"2026-0{month}-30", "amount": "50.00"} for month in (4, 5)]
    await network.porter.bill("G-1", due=None, maturities=parts)
    await admit(network, "213", number="G-1", reporter="WK", reasons=("DOUBLON",))
    assert [task.invoice for task in await network.tasks()] == ["G-1/1", "G-1/2"]
    ids = [task.id for task in await network.tasks()]

    async def close(book: Book) -> None:
        await book.close_task(ids[0], "sent again", "anna")

    await network.book(close)
    assert [await network.blocked(f"G-1/{turn}") for turn in (1, 2)] == [None, ("rejected", "213")]


async def test_the_auditor_finds_nothing(network: Network) -> None:
    """What statuses leave behind adds up: facts, holds, agreements, money, and who is asked about what."""
    parts = [{"due_date": f"2026-0{month}-30", "amount": "50.00"} for month in (4, 5)]
    await network.porter.bill("G-1", due=None, maturities=parts)
    await network.porter.bill("G-2")
    story = ("203", "208", "209", "207", "206", "205", "211", "212", "213", "200", "225", "210", "228")
    for number in ("F-1", "G-1"):
        for turn, code in enumerate(story):
            more = {"amount": "30.00"} if code in {"206", "212"} else {}
            at = f"2026-03-02 10:{turn:02}"
            await admit(network, code, at, number=number, reporter=None, **more, **REFUSED)
    await admit(network, "225", number="G-2", reporter="DL")
    stopped = [await network.blocked(number) for number in ("F-1", "G-1/1", "G-1/2", "G-2")]
    assert stopped == [("rejected", "210")] * 3 + [("factored", "225")]
    kinds = [(task.kind, task.invoice) for task in await network.tasks()]
    assert kinds == [("factored", "G-2"), *(("rejected", one) for one in ("F-1", "G-1/1", "G-1/2"))]
    await network.porter.errands()
    # Months later, too: what does not go on has somebody who is asked about it.
    for now in ("2026-03-02 12:05", "2026-09-01 12:00"):
        assert (await audit(network.porter.database, now=build.at(now))).findings == ()
