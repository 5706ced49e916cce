"""Bank accounts not read for too long, and entries that are not the money booked of them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.bank_accounts import Covered, Known, move
from ledger.schema import bank_accounts, bank_entries
from tests.audit.forging import Forger
from tests.domain import build

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

IBAN = "FR76 3000 6000 0112 3456 7890 189"
BANKS = ({"key": "main", "account": IBAN, "fresh_within_days": 1},)


async def read_up_to(forger: Forger, day: date) -> None:
    """Has the bank account read up to a day."""
    known = Known(account=IBAN.replace(" ", ""), booked_to=day)
    async with forger.house.database.writing() as conn:
        await move(conn, "acme", known, Covered(first=day, last=day), forger.house.now)


@pytest.mark.parametrize(
    ("today", "found"),
    [
        ("2026-05-04 12:00", {}),
        ("2026-05-05 23:00", {}),
        ("2026-05-06 01:00", {"stale": 1}),
    ],
)
async def test_a_reminder_on_an_account_that_was_not_read(
    forger: Forger, today: str, found: dict[str, int]
) -> None:
    """Read up to a Thursday before a holiday, an account is good on Monday and Tuesday, not on Wednesday."""
    forger.house.now = build.at("2026-05-01 09:00")
    await forger.house.register(creditor={"banks": BANKS})
    await read_up_to(forger, date(2026, 4, 30))
    forger.house.now = build.at(today)
    await forger.message()
    assert await forger.found(grace=timedelta(days=30)) == found


async def test_a_reminder_on_an_account_that_was_never_read(forger: Forger) -> None:
    """An account that is declared and was never read makes every reminder a finding."""
    await forger.house.register(creditor={"banks": BANKS})
    forger.later(minutes=5)
    await forger.message()
    assert await forger.found() == {"stale": 1}


async def test_days_that_differ_from_the_journal(forger: Forger) -> None:
    """An account that is known further than the journal tells is found."""
    await forger.house.register(creditor={"banks": BANKS})
    await read_up_to(forger, date(2026, 4, 10))
    assert await forger.found() == {}
    await forger.run(sa.update(bank_accounts).values(booked_to=date(2026, 4, 11)))
    assert await forger.found() == {"differs": 1}


def entry(**more: Any) -> sa.Insert:
    """Gives an entry of 100 euros on record as the money of a payment."""
    row = {
        "creditor": "acme",
        "id": "e1",
        "account": "main",
        "booked_on": date(2026, 4, 10),
        "currency": "EUR",
        "amount": Decimal("100.00"),
        "facts": {},
        "source": "april.xml",
        "state": "booked",
        "debtor": "dubois",
        "payment": "bank:e1",
        "read_at": build.at("2026-04-11"),
    }
    return sa.insert(bank_entries).values(row | more)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, {}),
        ({"state": "asked", "payment": None}, {"misbooked": 1}),
        ({"state": "returned"}, {"misbooked": 1}),
        ({"amount": Decimal("100.01")}, {"misbooked": 1}),
        ({"currency": "USD"}, {"misbooked": 1}),
        ({"debtor": "martin"}, {"misbooked": 2}),
    ],
    ids=str,
)
async def test_an_entry_that_is_not_its_payment(
    forger: Forger, more: dict[str, Any], found: dict[str, int]
) -> None:
    """An entry in another state, of another amount or on another account than its payment is found."""
    await forger.house.debtor("martin")
    await forger.house.pay("F-1", reference="bank:e1")
    await forger.run(entry(**more))
    assert await forger.found() == found


async def test_an_entry_booked_twice(forger: Forger) -> None:
    """Two entries that are one payment are found, and an entry whose payment came back unnoticed."""
    await forger.house.pay("F-1", reference="bank:e1")
    await forger.run(entry(), entry(id="e2"))
    assert await forger.found() == {"misbooked": 1}
    await forger.run(sa.delete(bank_entries).where(bank_entries.c.id == "e2"))
    await forger.house.take("payment.reversed", reference="bank:e1")
    await forger.run(sa.update(bank_entries).values(state="booked"))
    assert await forger.found() == {"misbooked": 1}
    await forger.run(sa.update(bank_entries).values(state="reversed"))
    assert await forger.found() == {}
