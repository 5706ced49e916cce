"""Agreements at the real gate: what is printed, what is kept back, and that live is as simulated."""

from datetime import datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from correspondence.statement import code_of
from domain.actions import Ending, Outcome, Rule, StepOutcome
from domain.events import EVENT, CreditorRegistered, DebtorRegistered, Event
from domain.portfolio import accounts_from
from domain.schedule import calendar
from domain.simulation import simulate
from ledger import journal
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House
from tests.gate.test_facts_meanwhile import pause_before_handing_over
from workflows.ports import Verb

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PROMISE = {
    "kind": "promise", "id": "P-1", "invoices": ["F-1"], "made_on": "2026-04-01", "pay_by": "2026-04-10",
}  # fmt: skip
DISPUTE = {
    "kind": "dispute", "id": "D-1", "invoices": ["F-1"], "made_on": "2026-04-01", "until": "2026-04-20",
    "reason": "quality",
}  # fmt: skip
SETTLEMENT = PROMISE | {"kind": "settlement", "id": "S-1", "amount": "60.00"}


async def open_house(house: House, *numbers: str) -> None:
    """Registers Acme and Dubois, and bills on the day after the due date."""
    await house.register()
    await house.bill(*(numbers or ("F-1",)))
    house.now = build.at("2026-04-01 12:00")


async def agree(house: House, stated: dict[str, Any], **more: Any) -> None:
    """Hands an agreement in."""
    await house.take("agreement.made", agreement=stated | more)


async def noted(house: House) -> list[str]:
    """Lists what the journal says of agreements."""
    async with house.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "dubois")
    return [entry.kind for entry in entries if entry.kind.startswith("agreement.")]


async def test_a_message_shows_what_is_disputed_and_asks_for_the_rest(house: House) -> None:
    """Of 100.00, 30.00 are disputed: text, sum and payment code ask for 70.00, and the part is named."""
    await open_house(house)
    await agree(house, DISPUTE, amount="30.00")
    assert (await house.knock()).outcome is Outcome.SENT
    (received,) = house.sink.received
    body = received.message.get_body(("plain",))
    assert body is not None
    text = " ".join(str(body.get_content()).split())
    assert "dont 30,00 € contestés, non réclamés" in text
    assert "Total à régler : 70,00 €" in text
    (record,) = await house.messages()
    code = code_of(record.reminder)
    assert code is not None
    assert "EUR70" in code.text.splitlines()


@pytest.mark.parametrize("stated", [DISPUTE, PROMISE, SETTLEMENT])
async def test_u22_what_is_agreed_while_a_message_is_prepared_keeps_it_back(
    house: House, monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    """U22: agreed between the decision and the sending, it is asked again before the body: nothing leaves."""
    await open_house(house)

    async def agreed() -> None:
        await agree(house, stated, made_on="2026-04-02")

    await pause_before_handing_over(house, monkeypatch, agreed)
    with pytest.raises(ApplicationError):
        await house.knock()
    answer = await house.knock(attempt=2, wait=False)
    assert answer.outcome is Outcome.HELD
    assert answer.because is not None
    assert answer.because.rule in {Rule.DISPUTED, Rule.PROMISED, Rule.UNDECIDED}
    assert house.sink.received == []
    assert [record.state for record in await house.messages()] == [State.FAILED]


async def test_u20_the_run_that_resumes_notes_the_breach(house: House) -> None:
    """U20: the knock on the day after the grace sends the reminder, notes the breach and asks for a call."""
    await open_house(house)
    await house.errands()
    await agree(house, PROMISE)
    assert await house.errands() == [("wake", "F-1")]
    assert (await house.knock()).outcome is Outcome.SENT
    assert [record.reminder.day for record in await house.messages()] == [build.day("2026-04-14")]
    assert await noted(house) == ["agreement.made", "agreement.broken"]
    assert (await house.kinds(), await house.errands()) == (["broken-promise"], [])


async def test_a_settlement_that_is_kept_closes_the_case(house: House) -> None:
    """Approved and paid in time, the rest is waived: the case closes as settled, and nobody is reminded."""
    await open_house(house)
    await agree(house, SETTLEMENT)
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.approve_agreement("S-1", "eve")
        await book.settle()
    await house.pay("F-1", "60.00")
    upcoming = await house.next()
    assert (upcoming.ending, upcoming.because.rule) == (Ending.PAID, Rule.WAIVED)
    await house.take("payment.reversed", reference="VIR-1")
    assert (await house.next()).kind == "take"


async def climb(house: House, to: str) -> None:
    """Takes steps until the one named is next."""
    while (await house.next()).step != to:
        await house.knock()


async def test_a_grave_step_of_a_contested_invoice_waits_for_approval(house: House) -> None:
    """The handoff of an invoice whose dispute ran out unanswered is asked for; approved, it is taken."""
    await open_house(house)
    await agree(house, DISPUTE)
    await climb(house, "handoff")
    with pytest.raises(ApplicationError, match="needs no approval"):
        await house.obey(Verb.APPROVE, step="D+30")
    answer = await house.knock()
    assert (answer.outcome, answer.next.because.rule) == (Outcome.HELD, Rule.APPROVAL)
    assert await house.kinds() == ["approve", "dispute", "dispute-expired"]
    await house.obey(Verb.APPROVE)
    assert (await house.knock()).outcome is Outcome.HANDED_OFF


async def test_an_answered_dispute_asks_for_no_approval(house: House) -> None:
    """Once somebody has answered the dispute, the handoff needs nobody."""
    await open_house(house)
    await agree(house, DISPUTE)
    await climb(house, "handoff")
    await house.take("agreement.ended", id="D-1", how="rejected", reason="delivered in full")
    with pytest.raises(ApplicationError, match="needs no approval"):
        await house.obey(Verb.APPROVE)
    assert (await house.knock()).outcome is Outcome.HANDED_OFF


async def test_the_answer_to_a_dispute_frees_a_step_that_waits_for_approval(house: House) -> None:
    """A handoff that waits only because of the dispute goes on once it is answered; its task closes."""
    await open_house(house)
    await agree(house, DISPUTE)
    await climb(house, "handoff")
    assert (await house.knock()).outcome is Outcome.HELD
    await house.take("agreement.ended", id="D-1", how="rejected", reason="delivered in full")
    assert "approve" not in await house.kinds()
    assert (await house.knock()).outcome is Outcome.HANDED_OFF


async def test_a_dispute_answered_while_a_step_waits_lets_it_go_on(house: House) -> None:
    """Asked for because of the dispute alone, the approval is needed no more once the dispute is answered."""
    await open_house(house)
    await agree(house, DISPUTE)
    await climb(house, "handoff")
    await house.knock()
    await house.errands()
    await house.take("agreement.ended", id="D-1", how="withdrawn", reason="a mistake")
    assert (await house.kinds(), await house.errands()) == ([], [("wake", "F-1")])
    assert (await house.knock()).outcome is Outcome.HANDED_OFF


async def test_what_is_written_off_asks_nobody_to_approve(house: House) -> None:
    """The task that asks for a step's approval closes when the invoice is given up."""
    await open_house(house)
    await agree(house, DISPUTE)
    await climb(house, "handoff")
    await house.knock()
    assert "approve" in await house.kinds()
    await house.take("invoice.written_off", number="F-1", reason="too small")
    assert "approve" not in await house.kinds()


async def test_ac59_what_is_announced_is_what_leaves(house: House) -> None:
    """AC-59: on the day after a promise's grace the preview names one message, and that one leaves."""
    await open_house(house, "F-1", "F-2")
    await house.pay("F-2")
    await agree(house, PROMISE)
    house.now = build.at("2026-04-14 09:30")
    account = await house.account()
    policy = house.catalogue["seed"]
    lines = calendar(account, "F-1", policy, house.now)
    announced = [(line.step, line.day) for line in lines if line.at <= house.now]
    before = account.model_dump_json()
    assert (await house.knock(wait=False)).outcome is Outcome.SENT
    (record,) = await house.messages()
    assert announced == [("D+2", build.day("2026-04-14"))] == [(record.reminder.step, record.reminder.day)]
    assert account.model_dump_json() == before


# Live is as simulated

Stated = dict[str, Any]


def made(stated: Stated, **more: Any) -> Stated:
    """States an agreement."""
    return {"type": "agreement.made", "agreement": stated | more}


def paid(amount: str, on: str, number: str = "F-1") -> Stated:
    """States money."""
    facts = {"reference": f"V-{on}", "amount": amount, "received_on": on, "invoice": number}
    return {"type": "payment.received"} | facts


PLAN = {
    "kind": "plan",
    "id": "L-1",
    "invoices": ["F-1", "F-2"],
    "made_on": "2026-04-01",
    "instalments": [
        {"pay_by": "2026-04-10", "amount": "100.00"},
        {"pay_by": "2026-05-11", "amount": "100.00"},
    ],
}
FACTS: dict[str, list[Stated]] = {
    "kept and broken": [
        made(PROMISE, amount="40.00"),
        paid("40.00", "2026-04-08"),
        made(PROMISE, id="P-2", made_on="2026-04-10", pay_by="2026-04-15"),
    ],
    "a second promise waits": [
        made(PROMISE),
        made(PROMISE, id="P-2", made_on="2026-04-15", pay_by="2026-05-30"),
    ],
    "a dispute over a part, and one over all": [
        made(DISPUTE, amount="30.00"),
        made(DISPUTE, id="D-2", invoices=["F-2"], until="2026-05-05"),
    ],
    "instalments": [made(PLAN), paid("100.00", "2026-04-13", "F-2")],
    "an offer that nobody approves": [made(SETTLEMENT), paid("60.00", "2026-04-09")],
}


def _instant(event: Event) -> datetime:
    """Gives the instant at which the simulation lets a fact happen: its day begins."""
    facts = event.model_dump()
    told = facts.get("received_on") or facts["agreement"]["made_on"]
    return build.at(f"{told} 00:01")


@pytest.mark.parametrize("name", sorted(FACTS))
async def test_live_is_as_simulated(house: House, name: str) -> None:
    """The gate lets leave what the simulation of the same events foretold: day, step, invoices and sum."""
    owner = build.creditor(policy="seed")
    events = [EVENT.validate_python({"creditor": "acme"} | one) for one in FACTS[name]]
    bills = [
        EVENT.validate_python(
            {"type": "invoice.created", "creditor": "acme", "number": number, "debtor": "dubois",
             "issue_date": "2026-03-01", "due_date": "2026-03-31", "total": "100.00"}
        )
        for number in ("F-1", "F-2")
    ]  # fmt: skip
    house.now = build.at("2026-03-31 23:00")
    for event in (CreditorRegistered(creditor=owner), DebtorRegistered(debtor=build.debtor()), *bills):
        await house.door.admit(event, now=house.now)
    end = build.at("2026-06-30")
    pending = sorted(events, key=_instant)
    while True:
        upcoming = await _nearest(house)
        if pending and (upcoming is None or _instant(pending[0]) <= upcoming[0]):
            house.now = max(house.now, _instant(pending[0]))
            await house.door.admit(pending.pop(0), now=house.now)
        elif upcoming is None or upcoming[0] > end:
            break
        else:
            await house.knock(upcoming[1])
    portfolio = accounts_from(
        [CreditorRegistered(creditor=owner), DebtorRegistered(debtor=build.debtor()), *bills, *events],
        house.catalogue,
    )
    assert portfolio.refused == ()
    foretold = simulate(
        portfolio.accounts, portfolio.policies, portfolio.facts, build.at("2026-03-31 23:00"), end
    )
    live = [record.reminder for record in await house.messages() if record.state is State.SENT]
    assert [_said(one) for one in live] == [_said(one) for one in foretold.messages]
    assert len(live) >= 2
    account = await house.account()
    taken = {case.invoice.number: [one.step for one in case.taken] for case in account.cases}
    (simulated,) = foretold.accounts
    assert taken == {case.invoice.number: [one.step for one in case.taken] for case in simulated.cases}
    assert StepOutcome.AMBIGUOUS not in {one.outcome for case in account.cases for one in case.taken}


async def _nearest(house: House) -> tuple[datetime, str] | None:
    """Finds the invoice whose step comes next, and when."""
    plans = {number: await house.next(number) for number in ("F-1", "F-2")}
    found = ((plan.at, number) for number, plan in plans.items() if plan.kind == "take" and plan.at)
    return min(found, default=None)


def _said(reminder: Any) -> tuple[Any, ...]:
    lines = sorted((line.number, line.step, line.open, line.disputed) for line in reminder.lines)
    return reminder.day, reminder.step, reminder.tone, reminder.asked, lines
