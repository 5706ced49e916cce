"""Lists of invoices and debtors: narrowed, sorted, summed and paged alike on both databases."""

from collections.abc import Mapping
from decimal import Decimal

from domain.agreements import Dispute, PromiseToPay
from ledger.views import lists
from ledger.views.debtors import DebtorsSought, debtor_keys, debtor_lines
from ledger.views.sought import Sought, State, asked
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk

TODAY = build.day("2026-03-01")


async def portfolio(clerk: Clerk) -> None:
    """Gives Dubois four invoices of several ages, and Martin one in dollars."""
    await clerk.bill(
        build.invoice("F-1", due="2025-11-01", total="100.00"),
        build.invoice("F-2", due="2026-02-15", total="9.50"),
        build.invoice("F-3", due="2026-04-01", total="1000.00"),
        build.invoice("G_4", due="2026-03-01", total="20.00"),
    )
    async with clerk.book("martin") as book:
        dollars = build.invoice("M-1", due="2026-02-01", total="70.00", debtor="martin", currency="USD")
        await book.open_case(dollars, RULES.version)
        await book.place_hold(build.hold("2026-02-20", "2026-03-05"), "ann")
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", on="2025-11-21", F_1="100.00"))
        dispute = {"id": "D-1", "invoices": ("F-3",), "made_on": TODAY, "until": "2026-03-20"}
        await book.put_agreement(Dispute.model_validate(dispute | {"reason": "price"}), "ann")
        promise = {"id": "P-1", "invoices": ("F-2",), "made_on": TODAY, "pay_by": "2026-03-10"}
        await book.put_agreement(PromiseToPay.model_validate(promise), "ann")


async def numbers(
    clerk: Clerk, *, sort: str = "due", seen: tuple[str, ...] | None = None, **sought: object
) -> str:
    """Lists the numbers that are found, in order."""
    async with clerk.database.reading() as conn:
        where = await asked(conn, seen, clerk.now)
        keys = await lists.invoice_keys(conn, Sought.model_validate(sought), where, sort=sort, limit=50)
    return " ".join(number for _, number in keys)


async def test_invoices_are_found_by_every_filter(clerk: Clerk) -> None:
    """State, age, amount, day, customer, text and creditor narrow a list; a wildcard is a letter."""
    await portfolio(clerk)
    found: Mapping[str, str] = {
        "open": await numbers(clerk, state="open"),
        "closed": await numbers(clerk, state="closed"),
        "overdue": await numbers(clerk, state="overdue"),
        "held": await numbers(clerk, state="held"),
        "disputed": await numbers(clerk, state="disputed"),
        "promised": await numbers(clerk, state="promised"),
        "approval": await numbers(clerk, state="approval"),
        "today": await numbers(clerk, age="not-due"),
        "a month": await numbers(clerk, age="1-30"),
        "amount": await numbers(clerk, amount_from="10.00", amount_to="70.00"),
        "days": await numbers(clerk, due_from="2026-02-01", due_to="2026-02-15"),
        "name": await numbers(clerk, q="martin s"),
        "wildcard": await numbers(clerk, q="_"),
        "currency": await numbers(clerk, currency="USD"),
        "policy": await numbers(clerk, policy="seed", debtor="martin"),
        "elsewhere": await numbers(clerk, seen=("beta",)),
        "largest": await numbers(clerk, sort="-open"),
        "customers": await numbers(clerk, sort="customer", state="open"),
    }
    assert found == {
        "open": "M-1 F-2 G_4 F-3",
        "closed": "F-1",
        "overdue": "M-1 F-2",
        "held": "M-1",
        "disputed": "F-3",
        "promised": "F-2",
        "approval": "",
        "today": "G_4 F-3",
        "a month": "M-1 F-2",
        "amount": "M-1 G_4",
        "days": "M-1 F-2",
        "name": "M-1",
        "wildcard": "G_4",
        "currency": "M-1",
        "policy": "M-1",
        "elsewhere": "",
        "largest": "F-3 M-1 G_4 F-2 F-1",
        "customers": "F-2 F-3 G_4 M-1",
    }


async def test_a_page_knows_its_sums_and_what_suspends_each(clerk: Clerk) -> None:
    """Currencies are summed apart, to the cent; lines come in the order of their keys."""
    await portfolio(clerk)
    async with clerk.database.reading() as conn:
        where = await asked(conn, None, clerk.now)
        sums = await lists.invoice_sums(conn, Sought(), where)
        keys = await lists.invoice_keys(conn, Sought(), where, sort="-due", limit=3, offset=1)
        lines = await lists.invoice_lines(conn, keys)
        marks = await lists.marks(conn, lines, where)
        pages = [some async for some in lists.all_lines(conn, Sought(), where, "due")]
    assert [(one.currency, one.count, one.total, one.open) for one in sums] == [
        ("EUR", 4, Decimal("1129.50"), Decimal("1029.50")),
        ("USD", 1, Decimal("70.00"), Decimal("70.00")),
    ]
    assert [(line.number, line.debtor_name) for line in lines] == [
        ("G_4", "Dubois SARL"),
        ("F-2", "Dubois SARL"),
        ("M-1", "Martin SA"),
    ]
    assert marks == {
        ("acme", "G_4"): set(),
        ("acme", "F-2"): {State.PROMISED},
        ("acme", "M-1"): {State.HELD},
    }
    assert [line.number for some in pages for line in some] == ["F-1", "M-1", "F-2", "G_4", "F-3"]


async def test_debtors_say_what_they_owe_and_how_they_pay(clerk: Clerk) -> None:
    """Open, overdue, the oldest day, the next step and the average of what was paid, sorted by any."""
    await portfolio(clerk)
    async with clerk.database.reading() as conn:
        where = await asked(conn, None, clerk.now)
        by_name, count = await debtor_keys(conn, DebtorsSought(), where, sort="name", limit=1)
        late, _ = await debtor_keys(conn, DebtorsSought(state="overdue"), where, sort="oldest", limit=9)
        found, _ = await debtor_keys(conn, DebtorsSought(q="MART"), where, sort="-open", limit=9)
        dubois, martin = await debtor_lines(conn, [("acme", "dubois"), ("acme", "martin")], where)
    assert (by_name, count) == ([("acme", "dubois")], 2)
    assert late == [("acme", "martin"), ("acme", "dubois")]
    assert found == [("acme", "martin")]
    assert [(one.currency, one.open, one.overdue) for one in dubois.owed] == [
        ("EUR", Decimal("1029.50"), Decimal("9.50"))
    ]
    assert (dubois.count, dubois.oldest_days, martin.oldest_days) == (3, 14, 28)
    assert dubois.late is not None
    assert (dubois.late.count, dubois.late.plain) == (1, Decimal(20))
    assert martin.next_step == "D+2"
