"""Agreements at the door: whose they are, what they stand for, and what is refused in words."""

from typing import Any

import pytest

from domain.events import EVENT
from domain.faults import InputRefused
from ledger import desk, queries
from tests.domain import build
from tests.intake.conftest import Porter

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PROMISE = {
    "kind": "promise",
    "id": "P-1",
    "invoices": ["F-1"],
    "made_on": "2026-03-02",
    "pay_by": "2026-03-16",
}
DISPUTE = {
    "kind": "dispute", "id": "D-1", "invoices": ["F-1"], "made_on": "2026-03-02", "until": "2026-04-02",
    "reason": "price",
}  # fmt: skip
PARTS = [{"due_date": "2026-03-31", "amount": "60.00"}, {"due_date": "2026-04-30", "amount": "40.00"}]


async def agree(porter: Porter, stated: dict[str, Any], **more: Any) -> str:
    """Hands an agreement in, and gives the answer: its status and its sentence."""
    admission = await porter.take("agreement.made", agreement=stated | more)
    return f"{admission.status}: {admission.what}"


async def end(porter: Porter, name: str, how: str = "withdrawn") -> str:
    """Hands the end of an agreement in, and gives the answer."""
    admission = await porter.take("agreement.ended", id=name, how=how, reason="asked")
    return f"{admission.status}: {admission.what}"


async def refused(porter: Porter, stated: dict[str, Any], **more: Any) -> tuple[str, object, str]:
    """Hands an agreement in that must be refused, and gives field, value and remedy."""
    with pytest.raises(InputRefused) as refusal:
        await agree(porter, stated, **more)
    return refusal.value.field, refusal.value.value, refusal.value.remedy


async def test_the_answer_says_what_was_agreed(porter: Porter) -> None:
    """Each kind is answered in a sentence: how much, by when, and what happens to the reminders."""
    await porter.bill("F-1")
    assert await agree(porter, PROMISE) == (
        "taken: promise P-1 recorded on F-1: 100.00 EUR by 2026-03-16; "
        "no reminders until 2026-03-19, that day included, unless it is kept before"
    )
    assert await agree(porter, PROMISE) == "known: promise P-1 was known (running)"
    await end(porter, "P-1")
    assert await agree(porter, DISPUTE, amount="30.00") == (
        "taken: dispute D-1 recorded on F-1: until 2026-04-02, that day included, 30.00 EUR is not asked for"
    )
    parts = [{"pay_by": "2026-03-16", "amount": "30.00"}, {"pay_by": "2026-03-30", "amount": "40.00"}]
    plan = {key: PROMISE[key] for key in ("invoices", "made_on")} | {"kind": "plan", "instalments": parts}
    assert "70.00 EUR in 2 instalments, the first of 30.00 by 2026-03-16" in await agree(
        porter, plan, id="L-1"
    )
    await end(porter, "L-1")
    settled = await agree(porter, PROMISE, kind="settlement", id="S-1", amount="60.00")
    assert settled.endswith("lets the rest go; it waits for approval: agreements approve S-1")
    assert await end(porter, "S-1", "rejected") == "taken: settlement S-1 ended (rejected)"


async def test_an_upheld_dispute_says_what_to_credit(porter: Porter) -> None:
    """The end of an upheld dispute names the credit note that is to be issued."""
    await porter.bill("F-1")
    await agree(porter, DISPUTE, amount="30.00")
    answer = await end(porter, "D-1", "upheld")
    assert "issue a credit note of 30.00 EUR on F-1" in answer
    assert await end(porter, "D-1", "upheld") == "known: dispute D-1 was ended so before"


async def test_a_promise_of_the_past_is_judged_at_once(porter: Porter) -> None:
    """An agreement told weeks later counts from its day, and the answer says that it is broken already."""
    await porter.bill("F-1", issue_date="2026-01-10", due_date="2026-02-01")
    answer = await agree(porter, PROMISE, made_on="2026-02-03", pay_by="2026-02-10")
    assert answer.endswith("; it is broken already")
    async with porter.database.reading() as conn:
        assert [task.kind for task in await queries.open_tasks(conn)] == ["broken-promise"]


async def test_a_document_stands_for_all_its_maturities(porter: Porter) -> None:
    """A promise about a document covers its cases; a dispute becomes one for each and ends as a whole."""
    await porter.bill("X", due=None, maturities=PARTS)
    admission = await porter.take("agreement.made", agreement=PROMISE | {"invoices": ["X"]})
    assert admission.numbers == ("X/1", "X/2")
    assert "on X/1, X/2: 100.00 EUR" in admission.what
    contested = DISPUTE | {"invoices": ["X"], "amount": "70.00"}
    assert "60.00 EUR is not asked for; dispute D-1/2 recorded on X/2" in await agree(porter, contested)
    assert (await agree(porter, contested)).startswith("known: dispute D-1 was known")
    assert (await refused(porter, contested, amount="71.00"))[0] == "agreement.id"
    answer = await end(porter, "D-1", "upheld")
    assert "of 60.00 EUR on X/1 and of 10.00 EUR on X/2" in answer
    assert all(one.ended_on for one in (await porter.account()).agreements if one.id != "P-1")


@pytest.mark.parametrize(
    ("more", "field", "remedy"),
    [
        ({"invoices": ["F-9"]}, "agreement.invoices", "is not a known invoice"),
        ({"invoices": ["F-1", "M-1"]}, "agreement.invoices", "are of different debtors"),
        ({"made_on": "2026-03-03"}, "agreement.made_on", "lies in the future"),
        ({"approved": True}, "agreement.approved", "is decided on record"),
        ({"owed": "5.00"}, "agreement.owed", "is decided on record"),
        ({"ended_on": "2026-03-02"}, "agreement.ended_on", "is decided on record"),
        ({"amount": "100.01"}, "agreement.amount", "is more than the 100.00 owed"),
    ],
)
async def test_what_cannot_be_agreed_is_refused(
    porter: Porter, more: dict[str, Any], field: str, remedy: str
) -> None:
    """A refusal names the field, the value and the remedy, and leaves nothing behind."""
    await porter.bill("F-1")
    await porter.bill("M-1", debtor="martin")
    found = await refused(porter, PROMISE, **more)
    assert found[0] == field
    assert remedy in found[2]
    assert (await porter.account()).agreements == ()


async def test_an_end_of_nothing_is_refused(porter: Porter) -> None:
    """An unknown id, an agreement that is over and an answer that does not fit are refused, in words."""
    await porter.bill("F-1")
    await agree(porter, PROMISE)
    for name, how, remedy in (
        ("P-9", "withdrawn", "is not a known agreement"),
        ("P-1", "upheld", "only a dispute is upheld"),
    ):
        with pytest.raises(InputRefused, match=remedy):
            await end(porter, name, how)
    await porter.pay("100.00", invoice="F-1")
    with pytest.raises(InputRefused, match="is over"):
        await end(porter, "P-1")


# Payments with which something is let go


async def test_a_discount_goes_with_its_money(porter: Porter) -> None:
    """98.00 and a discount of 2.00 settle 100.00; the answer says what was let go and why."""
    await porter.bill("F-1")
    part = {"invoice": "F-1", "amount": "98.00", "allowed": "2.00", "allowance": "discount"}
    answer = await porter.pay("98.00", allocations=[part])
    assert answer.what == "payment of 98.00 EUR recorded on F-1; 2.00 let go on F-1 (discount)"
    account = await porter.account()
    assert (account.balance("F-1").open, account.case("F-1").ending) == (build.money("0.00"), "paid")
    assert (await porter.pay("98.00", allocations=[part])).status == "known"
    await porter.take("payment.reversed", reference="VIR-1")
    assert (await porter.account()).balance("F-1").open == build.money("100.00")


async def test_no_more_is_let_go_than_is_owed(porter: Porter) -> None:
    """What is let go ends at what the invoice owes, falls to its oldest maturities, and says why."""
    await porter.bill("X", due=None, maturities=PARTS)
    part = {"invoice": "X", "amount": "99.00", "allowed": "5.00", "allowance": "difference"}
    await porter.pay("99.00", allocations=[part])
    allocations = (await porter.account()).payments[0].allocations
    assert [(one.invoice, str(one.amount), str(one.allowed)) for one in allocations] == [
        ("X/1", "60.00", "0.00"),
        ("X/2", "39.00", "1.00"),
    ]
    await porter.bill("F-1")
    bare = {"invoice": "F-1", "amount": "99.00", "allowed": "1.00"}
    with pytest.raises(InputRefused, match="of F-1 is let go: discount"):
        await porter.pay("99.00", "VIR-2", allocations=[bare])


async def test_a_payment_parked_by_an_earlier_release_is_known(porter: Porter) -> None:
    """A payment that waited for its invoice without the new fields is known when it is sent again."""
    part = {"invoice": "F-1", "amount": "100.00"}
    stated = {"amount": "100.00", "reference": "VIR-1", "received_on": "2026-03-02", "allocations": [part]}
    event = EVENT.validate_python({"type": "payment.received", "creditor": "acme"} | stated)
    facts = event.model_dump(mode="json") | {"allocations": [part]}
    async with porter.database.writing() as conn:
        await desk.park(conn, "acme", "F-1", facts, porter.now)
    assert (await porter.admit(event)).status == "known"
    await porter.bill("F-1")
    assert (await porter.account()).case("F-1").ending == "paid"
