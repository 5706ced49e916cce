"""Acceptance: what users ask of payment truth beside the bank: credit notes, fees, the day of delivery."""

from decimal import Decimal

from domain.actions import Ending, Rule
from tests.domain import build
from tests.gate.house import House
from tests.gate.test_promises import text


async def credit(house: House, **more: str) -> None:
    """Hands in a credit note of 30.00."""
    facts = {"number": "A-1", "issue_date": "2026-03-20", "total": "30.00"}
    await house.take("credit_note.issued", **(facts | more))


async def test_u3_a_credit_note_reduces_what_is_asked(house: House) -> None:
    """U3: a credit note of the invoice and one of the account both come off, in one total; each is shown."""
    await house.register()
    await house.bill("F-1", "F-2")
    await credit(house, invoice="F-1")
    await credit(house, number="A-2", debtor="dubois", total="20.00")
    await house.knock("F-1")
    [message] = await house.messages()
    assert {line.number: f"{line.open}" for line in message.reminder.lines} == {
        "F-1": "70.00",
        "F-2": "100.00",
    }
    assert message.reminder.received == Decimal(20)
    assert message.reminder.asked == Decimal(150)
    assert all(sum_ in text(house) for sum_ in ("70,00", "20,00", "150,00"))


async def test_u3_a_cancelled_credit_note_never_appears(house: House) -> None:
    """U3: once it is cancelled, the credit note is neither taken off nor told of; all is asked for."""
    await house.register()
    await house.bill("F-1")
    await credit(house, invoice="F-1")
    await house.take("credit_note.cancelled", number="A-1")
    await house.knock("F-1")
    [message] = await house.messages()
    assert message.reminder.asked == 100
    assert "30,00" not in text(house)
    assert "A-1" not in text(house)


async def test_u4_the_principal_closes_the_invoice(house: House) -> None:
    """U4: interest and fees are never part of what is asked: the principal, however late, closes the case."""
    await house.register()
    await house.bill("F-1")
    house.now = build.at("2026-09-30 12:00")
    await house.knock("F-1")
    [message] = await house.messages()
    assert message.reminder.asked == 100
    await house.pay("F-1")
    assert (await house.account()).case("F-1").ending is Ending.PAID
    assert await house.kinds() == []


async def test_u8_who_has_just_received_the_invoice_reads_it_first(house: House) -> None:
    """U8: the first word after the due date comes three days after the invoice was delivered, or later."""
    await house.register()
    await house.bill("F-1", "F-2")
    await house.bill("F-3", delivered_on="2026-04-01")
    assert (await house.next("F-1")).day == build.day("2026-04-02")
    upcoming = await house.next("F-3")
    assert upcoming.because.rule is Rule.DELIVERY
    assert upcoming.day is not None
    assert upcoming.day >= build.day("2026-04-04")
