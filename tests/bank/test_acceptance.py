"""Acceptance: money from the bank and what may be asked for, through the real gate."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from correspondence.payment_code import creditor_reference
from domain.actions import Ending, Outcome, Rule
from domain.bank import BankEntry
from intake.bank.answering import undo
from intake.bank.booking import Teller
from intake.door import Door
from ledger import bank
from ledger.bank import State
from ledger.policies import Shelf
from tests.bank.conftest import THEIRS, entry, send_to
from tests.domain import build
from tests.gate.house import House
from tests.gate.test_promises import text

NINE = build.at("2026-04-02 09:00")
"""The hour of the first reminder of an invoice that was due on 31 March."""


def transfer(number: str, amount: str = "100.00", **more: Any) -> BankEntry:
    """Gives a transfer with the reference of an invoice."""
    return entry(amount, text=creditor_reference(number), on="2026-03-31", **more)


def unnamed(amount: str, **more: Any) -> BankEntry:
    """Gives a transfer from Dubois's account without a word on what it is for."""
    return entry(amount, payer="DUBOIS SARL", payer_account=THEIRS, text="merci", on="2026-03-31", **more)


async def known_payer(house: House) -> None:
    """Lets Dubois pay an invoice from its account, which is known from then on."""
    await house.bill("F-2026-000", due="2026-03-20")
    await send_to(house, transfer("F-2026-000", payer_account=THEIRS))


async def test_ac40_unapplied_payment_on_a_letter(house: House) -> None:
    """AC-40: A 100 is settled; B 100 has 50 unapplied: one message that lists the 50 and asks for 50."""
    await house.register()
    await house.bill("F-2026-00A", "F-2026-00B")
    await send_to(house, transfer("F-2026-00A"), unnamed("50.00"))
    assert (await house.knock("F-2026-00B")).outcome is Outcome.SENT
    [message] = await house.messages()
    assert [line.number for line in message.reminder.lines] == ["F-2026-00B"]
    assert message.reminder.received == message.reminder.asked == 50
    assert "50,00" in text(house)


async def test_ac40_payments_of_all_that_is_due_leave_no_letter(house: House) -> None:
    """AC-40: unapplied money that covers the debt leaves nothing to ask for: a task asks to allocate it."""
    await house.register()
    await known_payer(house)
    await house.bill("F-2026-00B", "F-2026-00C")
    await send_to(house, unnamed("120.00"), unnamed("90.00"))
    for number in ("F-2026-00B", "F-2026-00C"):
        assert (await house.next(number)).because.rule is Rule.ALLOCATE
    assert "allocate" in await house.kinds()
    assert await house.messages() == []


async def test_ac41_credit_larger_than_the_debt(house: House) -> None:
    """AC-41: a debtor whose money on account is more than he owes is not reminded of single invoices."""
    await house.register()
    await known_payer(house)
    await house.bill("F-2026-001", "F-2026-002", due="2026-03-20")
    await send_to(house, unnamed("250.00"))
    for number in ("F-2026-001", "F-2026-002"):
        assert (await house.knock(number, wait=False)).outcome is not Outcome.SENT
    assert house.sink.received == []


async def test_ac42_a_payment_booked_just_before(house: House) -> None:
    """AC-42: a statement taken a second before the step is due lets no message leave."""
    await house.register()
    await house.bill("F-2026-001")
    order = await house.order("F-2026-001")
    house.now = NINE - timedelta(seconds=1)
    await send_to(house, transfer("F-2026-001"))
    house.now = NINE
    env = house.environment("run")
    answer = await env.run(house.hands.gate.take, order)
    assert (answer.outcome, answer.next.ending) == (Outcome.SETTLED, Ending.PAID)
    assert house.sink.received == []


async def test_ac42_a_crossing_payment(house: House) -> None:
    """AC-42: a statement taken while the message leaves closes the case and marks the message as crossed."""
    await house.register()
    await house.bill("F-2026-001")
    house.room.before = lambda: send_to(house, transfer("F-2026-001"))
    answer = await house.knock("F-2026-001")
    assert (answer.outcome, answer.next.ending) == (Outcome.SENT, Ending.PAID)
    [message] = await house.messages()
    assert message.crossed
    assert "Si votre règlement nous a été adressé entre-temps" in text(house)


async def test_ac62_minimum_amount_inclusive(house: House) -> None:
    """AC-62: what is left after bank money is compared with the minimum: 49.99 none, 50.00 and 50.01 yes."""
    house.door = Door(house.database, {"seed": build.seed_policy(id="seed", minimum={"EUR": "50.00"})})
    await house.register("c4999", "c5000", "c5001", creditor={"policy": "seed"})
    for paid, name in (("50.01", "c4999"), ("50.00", "c5000"), ("49.99", "c5001")):
        await house.bill(f"F-2026-{name}", debtor=name)
        await send_to(house, transfer(f"F-2026-{name}", paid))
    rules = {name: (await house.next(f"F-2026-{name}")).because.rule for name in ("c4999", "c5000", "c5001")}
    assert rules["c4999"] is Rule.BELOW_MINIMUM
    assert Rule.BELOW_MINIMUM not in {rules["c5000"], rules["c5001"]}


async def test_u1_no_reminder_of_what_is_paid(house: House) -> None:
    """U1: an invoice that the statement pays closes before its reminder; the same statement adds nothing."""
    await house.register()
    await house.bill("F-2026-001")
    for _ in range(2):
        await send_to(house, transfer("F-2026-001"))
    assert (await house.account()).case("F-2026-001").ending is Ending.PAID
    assert house.sink.received == []


async def test_u1_money_that_may_be_there_is_not_asked_for(house: House) -> None:
    """U1: a likely payment that nobody has looked at holds the reminder, and lets go after seven days."""
    await house.register("dubois", "martin")
    await house.bill("F-2026-001")
    await house.bill("F-2026-002", debtor="martin", due="2026-12-31")
    house.now = NINE - timedelta(hours=1)
    told = entry(text="Facture F-2026-001, F-2026-002", amount="200.00", on="2026-04-01")
    assert (await send_to(house, told)).asked == 1
    assert (await house.next("F-2026-001")).because.rule is Rule.HOLD
    assert (await house.knock("F-2026-001")).outcome is Outcome.SENT
    assert house.now > build.at("2026-04-09")


async def test_u2_a_customer_in_credit_is_not_reminded(house: House) -> None:
    """U2: money on the account is taken off what is asked; where nothing is left, nothing is sent."""
    await house.register()
    await known_payer(house)
    await house.bill("F-2026-001")
    await send_to(house, unnamed("100.50"))
    assert (await house.knock("F-2026-001", wait=False)).outcome is not Outcome.SENT
    assert "allocate" in await house.kinds()


async def test_u2_money_by_name_alone_holds_the_reminder(house: House) -> None:
    """U2: more money than is owed, from a payer of that name, waits for a person; nothing is sent."""
    await house.register()
    await house.bill("F-2026-001")
    report = await send_to(house, entry("250.00", payer="DUBOIS SARL", text="merci", on="2026-03-31"))
    assert report.booked == 0
    assert (await house.knock("F-2026-001", wait=False)).outcome is not Outcome.SENT
    assert house.sink.received == []


@pytest.mark.parametrize("order", list(permutations((0, 2))))
async def test_u5_the_order_of_rows_does_not_matter(house: House, order: tuple[int, ...]) -> None:
    """U5: of three invoices two are paid, in any order of the rows; the third is asked for, alone."""
    await house.register()
    numbers = [f"F-2026-00{place}" for place in (1, 2, 3)]
    await house.bill(*numbers)
    await send_to(house, *(transfer(numbers[place]) for place in order))
    account = await house.account()
    assert [case.ending for case in account.cases] == [Ending.PAID, None, Ending.PAID]
    await house.knock(numbers[1])
    [message] = await house.messages()
    assert message.numbers == [numbers[1]]
    assert message.reminder.asked == 100


async def test_u6_an_undone_payment_reopens_and_the_tone_goes_on(house: House) -> None:
    """U6: a booking that was wrong is undone: the case reopens after the step that was taken, not before."""
    await house.register()
    await house.bill("F-2026-001")
    await house.knock("F-2026-001")
    await send_to(house, transfer("F-2026-001"))
    assert (await house.account()).case("F-2026-001").ending is Ending.PAID
    async with house.database.reading() as conn:
        [kept] = await bank.listed(conn, state=State.BOOKED)
    await undo(Teller(house.database, Shelf(), house.now), kept, "another customer's", "anna")
    account = await house.account()
    assert account.case("F-2026-001").ending is None
    assert len(account.case("F-2026-001").standing) == 1
    assert (await house.next("F-2026-001")).step == "D+30"


async def test_u7_a_direct_debit_is_not_asked_for_until_its_result(house: House) -> None:
    """U7: nothing leaves while a debit may still arrive; what the bank collects closes the case."""
    await house.register()
    await house.bill("F-2026-001", direct_debit=True)
    assert (await house.next("F-2026-001")).because.rule is Rule.DIRECT_DEBIT
    await send_to(house, transfer("F-2026-001", end_to_end="SDD-1"))
    assert (await house.account()).case("F-2026-001").ending is Ending.PAID
    assert house.sink.received == []


async def test_u7_a_returned_debit_is_asked_for(house: House) -> None:
    """U7: a debit that comes back reopens the invoice at once: it is reminded of as any other."""
    await house.register()
    await house.bill("F-2026-001", direct_debit=True)
    await send_to(house, transfer("F-2026-001", end_to_end="SDD-F-2026-001"))
    house.now += timedelta(days=3)
    back: dict[str, Any] = {
        "credit": False,
        "returned": "MD06",
        "end_to_end": "SDD-F-2026-001",
        "on": "2026-04-02",
    }
    report = await send_to(house, entry(**back))
    assert report.returned == 1
    assert (await house.next("F-2026-001")).because.rule is not Rule.DIRECT_DEBIT
    assert (await house.knock("F-2026-001")).outcome is Outcome.SENT
