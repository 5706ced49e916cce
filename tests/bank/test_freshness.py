"""The rhythm of a bank: the gate holds when a day is missing, says whom to ask, and goes on by itself."""

from typing import Any

import pytest

from domain.actions import Outcome, Rule
from domain.faults import InputRefused
from intake.bank.days import declare_known
from intake.bank.owners import owner
from ledger import bank_accounts
from ledger.bank_accounts import Known
from tests.bank.conftest import IBAN, SOURCE, entry, send_to
from tests.domain import build
from tests.gate.house import House

TUESDAY = build.at("2026-03-31 12:00")
FIRST_REMINDER = build.at("2026-04-02 09:00")


async def open_for_business(house: House, **source: Any) -> None:
    """Registers Acme with a declared account, and bills Dubois, whose first reminder leaves on 2 April."""
    await house.register(creditor={"banks": [SOURCE | source]})
    await house.bill("F-1")


async def known(house: House) -> Known | None:
    """Tells how far Acme's account is known."""
    async with house.database.reading() as conn:
        return (await bank_accounts.known(conn, "acme")).get(IBAN)


async def test_a_missing_day_holds_and_says_whom_to_ask(house: House) -> None:
    """The gate holds when the last booked day is too old; the task names the file and the person."""
    await open_for_business(house)
    await send_to(house, entry("1.00", credit=False, on="2026-03-30", text="frais"))
    answer = await house.knock()
    assert (answer.outcome, answer.because and answer.because.rule) == (Outcome.HELD, Rule.STALE)
    assert answer.because is not None
    assert answer.because.reference == "main"
    assert house.sink.received == []
    [task] = await house.tasks()
    assert task.kind == "payments"
    assert task.detail == {
        "source": "main",
        "owner": "treasury@acme.example",
        "file": "camt.053 of the main account",
        "booked_to": "2026-03-30",
    }


async def test_the_file_lets_it_go_on_by_itself(house: House) -> None:
    """When the statement comes, the case goes on without anybody's help, and the question is taken back."""
    await open_for_business(house)
    assert (await house.knock()).outcome is Outcome.HELD
    await house.errands()
    report = await send_to(house, booked_from="2026-03-31", booked_to="2026-04-01")
    assert report.known_to == build.day("2026-04-01")
    assert await house.errands() == [("wake", "F-1")]
    assert await house.kinds() == []
    assert (await house.knock()).outcome is Outcome.SENT


async def test_fridays_statement_is_good_on_monday_and_tuesday(house: House) -> None:
    """With one day allowed, business days that are over and unseen count; weekends and today do not."""
    await open_for_business(house)
    friday = build.day("2026-03-27")
    for on, outcome in (("2026-03-30", Outcome.SENT), ("2026-03-31", Outcome.SENT), ("2026-04-01", None)):
        account = (await house.account()).having(booked_to={"main": friday})
        missing = bank_accounts.missing_file(account, build.at(f"{on} 09:00"))
        assert (missing == {}) == (outcome is not None)


async def test_money_in_the_missing_file_stops_the_reminder(house: House) -> None:
    """U1: the reminder that waited for the file never leaves where the file says that the invoice is paid."""
    await open_for_business(house)
    assert (await house.knock()).outcome is Outcome.HELD
    await send_to(house, entry(text="F-1", payer="DUBOIS SARL", on="2026-04-01"), booked_to="2026-04-01")
    answer = await house.knock()
    assert answer.outcome is not Outcome.SENT
    assert house.sink.received == []


async def test_an_older_statement_does_not_take_days_back(house: House) -> None:
    """A statement that comes late adds its entries and leaves the last booked day where it is."""
    await open_for_business(house)
    await send_to(house, entry("1.00", on="2026-03-30", credit=False), opening="5.00")
    report = await send_to(house, entry("2.00", on="2026-03-24", credit=False), opening="9.00")
    assert report.known_to == build.day("2026-03-30")


async def test_a_gap_is_said_and_the_days_after_it_do_not_count(house: House) -> None:
    """Three missing days are said; the account counts as known up to them until their statement comes."""
    await open_for_business(house)
    await send_to(house, entry("10.00", on="2026-03-23", text="x"), opening="100.00")
    report = await send_to(house, entry("10.00", on="2026-03-27", text="x"), opening="150.00")
    assert report.known_to == build.day("2026-03-23")
    assert report.entries == 1
    assert any(
        "3 business day(s) are missing between 2026-03-23 and 2026-03-27" in one for one in report.notes
    )
    closing = await send_to(house, entry("40.00", on="2026-03-25", text="y"), opening="110.00")
    assert (closing.known_to, closing.notes) == (build.day("2026-03-27"), ())
    assert await known(house) == Known(account=IBAN, booked_to=build.day("2026-03-27"), closing="160.00")


async def test_a_person_can_say_that_nothing_is_missing(house: House) -> None:
    """Days on which an export shows nothing are declared complete, with the reason in the journal."""
    await open_for_business(house)
    await send_to(house, entry("1.00", on="2026-03-23", credit=False), format="CSV")
    report = await send_to(house, entry("1.00", on="2026-03-27", credit=False), format="CSV")
    assert report.known_to == build.day("2026-03-23")
    async with house.database.reading() as conn:
        owned = await owner(conn, IBAN)
    declared = await declare_known(
        house.database, owned, build.day("2026-03-26"), house.now, reason="no movements", author="anna"
    )
    assert declared.booked_to == build.day("2026-03-27")
    with pytest.raises(InputRefused, match="is not over"):
        await declare_known(house.database, owned, house.now.date(), house.now, reason="r", author="anna")


async def test_a_bound_in_hours_moves_with_the_statement(house: House) -> None:
    """A creditor that bounds the age of payments in hours has them known to the end of the last day."""
    await house.register(creditor={"banks": [SOURCE], "payment_freshness_hours": 48})
    await send_to(house, entry("1.00", on="2026-03-30", credit=False), opening="5.00")
    assert (await house.account()).payments_as_of == build.at("2026-03-31")


async def test_every_declared_account_must_be_read(house: House) -> None:
    """Of two accounts the one that is not read holds, and is named."""
    second = SOURCE | {"key": "second", "account": "FR1420041010050500013M02606", "owner": "bob"}
    await house.register(creditor={"banks": [SOURCE, second]})
    await house.bill("F-1")
    await send_to(house, booked_from="2026-03-31", booked_to="2026-03-31", opening="1.00")
    answer = await house.knock()
    assert answer.because is not None
    assert (answer.because.rule, answer.because.reference) == (Rule.STALE, "second")
