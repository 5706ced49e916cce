"""What happens to the sample company: who pays when, who is held, what an operator decides.

In: the scenes, each at an instant found by foresight, so that they fit whatever day the story begins.
Not in: the company itself (company.py), and living through it (../world.py).
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from temporalio.client import Client

from domain.account import Account, Case
from domain.actions import CaseRef
from domain.agreements import Hold, HoldScope
from domain.events import CreditNoteIssued, InvoiceCreated, PaymentReceived
from domain.fact import Amount
from domain.receivable import Allocation, Payment
from ledger import desk
from trial.foresight import Foresight
from trial.sample.company import CREDITOR
from trial.world import Deed, World
from workflows.invoice import InvoiceDunning
from workflows.ports import OperatorOrder

PARIS = ZoneInfo("Europe/Paris")
OPERATOR = "Hélène Carlier"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def tell(told: Foresight) -> None:
    """Adds every scene of the sample's story, each to the account that it belongs to."""
    _paid_before_the_first_reminder(told)
    _paid_after_two(told)
    _paid_one_second_before(told)
    _partial_payment(told)
    _hold_that_ends_by_itself(told)
    _three_invoices_one_message(told)
    _credit_note_larger_than_the_debt(told)
    _every_step_to_the_handoff(told)
    _signal_from_a_plain_client(told)
    _payment_before_its_invoice(told)
    _what_nobody_pays(told)
    _in_english(told)


def _paid_before_the_first_reminder(told: Foresight) -> None:
    for number in ("FA-2101", "FA-2102"):
        _pay(told, number, told.when(number, "D-10") - 2 * DAY, "paid before the first reminder")


def _paid_after_two(told: Foresight) -> None:
    _pay(told, "FA-2103", told.when("FA-2103", "D-3") + DAY + HOUR, "paid after two messages")


def _paid_one_second_before(told: Foresight) -> None:
    _pay(told, "FA-2104", told.when("FA-2104", "D+2") - SECOND, "paid one second before the third message")


def _partial_payment(told: Foresight) -> None:
    _pay(told, "FA-2105", told.when("FA-2105", "D+2") + DAY, "paid in part: the rest is asked for", "1600.00")
    _pay(told, "FA-2105", told.when("FA-2105", "D+15") + 2 * DAY, "the rest paid after the call", "2000.00")


def _hold_that_ends_by_itself(told: Foresight) -> None:
    at = told.when("FA-2106", "D+2") + 5 * HOUR
    _hold(told, "FA-2106", at, days=20, why="Délai accordé jusqu'à la fin des travaux")
    _pay(told, "FA-2106", told.when("FA-2106", "D+10") + 3 * DAY, "paid after the hold")
    _pay(told, "FA-2107", told.when("FA-2107", "D-3") + DAY, "paid")


def _three_invoices_one_message(told: Foresight) -> None:
    told.note("FA-2110", "one message speaks for three invoices, each keeps its own ladder")
    _pay(told, "FA-2108", told.when("FA-2110", "D-10") + 2 * DAY, "the first of the three paid")
    _pay(told, "FA-2109", told.when("FA-2109", "D+2") + 2 * DAY, "the second of the three paid")
    _pay(told, "FA-2110", told.when("FA-2110", "D+10") + 2 * DAY, "the third paid")


def _credit_note_larger_than_the_debt(told: Foresight) -> None:
    at = told.when("FA-2111", "D-10") + DAY
    note = CreditNoteIssued(
        creditor=CREDITOR, number="AV-501", invoice="FA-2111", issue_date=day_of(at), total="520.00"
    )
    told.happen(at, note, "credit note larger than the debt: the surplus helps the other invoice")
    told.note("FA-2112", "the surplus of the credit note waits for a person to allocate it")
    _pay(told, "FA-2112", told.when("FA-2112", "D+2") + DAY, "paid less the surplus", "1790.00")


def _every_step_to_the_handoff(told: Foresight) -> None:
    at = told.when("FA-2113", "formal-notice") + 2 * HOUR
    step = "formal-notice"

    def change(account: Account) -> Account:
        return _changed(account, "FA-2113", approved=(step,), blocked=None)

    deed = _ordered("FA-2113", "approve", "Dossier relu, mise en demeure justifiée", step=step)
    told.do(at, "FA-2113", deed, change, "never paid: every step, an approval, the handoff")


def _signal_from_a_plain_client(told: Foresight) -> None:
    at = told.when("FA-2115", "D-3") + DAY
    note = {"reference": "VIR-SIGNAL-1", "amount": "640.00", "received_on": day_of(at).isoformat()}

    async def deed(world: World) -> None:
        client = await Client.connect(world.client.service_client.config.target_host)
        run = client.get_workflow_handle(_case("FA-2115").workflow_id)
        await run.signal("mark_paid", note)

    def change(account: Account) -> Account:
        payment = Payment(
            creditor=CREDITOR,
            reference=note["reference"],
            debtor=account.debtor.id,
            received_on=day_of(at),
            amount=note["amount"],
            allocations=(Allocation(invoice="FA-2115", amount=note["amount"]),),
        )
        return account.having(payments=(*account.payments, payment))

    told.do(at, "FA-2115", deed, change, "a plain Temporal client signals mark_paid")
    _pay(told, "FA-2116", told.when("FA-2116", "D-10") + 2 * DAY, "paid")


def _payment_before_its_invoice(told: Foresight) -> None:
    at = told.begin + 12 * DAY
    invoice = InvoiceCreated(
        creditor=CREDITOR,
        number="FA-2117",
        debtor="halles",
        issue_date=day_of(at),
        due_date=day_of(at + 30 * DAY),
        total="2450.00",
    )
    told.happen(at, invoice, "the invoice whose deposit had been waiting arrives")
    _pay(told, "FA-2117", told.when("FA-2117", "D+2") + 2 * DAY, "the rest paid", "1550.00")


def _what_nobody_pays(told: Foresight) -> None:
    told.note("FA-2118", "never paid: every step of the seeds' calendar, then the handoff")
    told.note("FA-2114", "no address: a task for a person, and nobody else has to wait")
    _pay(told, "FA-2119", told.when("FA-2119", "D+2") + 4 * DAY, "the second invoice paid")


def _in_english(told: Foresight) -> None:
    _pay(told, "FA-2120", told.when("FA-2120", "D+2") + DAY, "paid after the first reminder")
    _pay(told, "FA-2121", told.when("FA-2121", "D+10") + DAY, "paid after the firm reminder")
    _pay(told, "FA-2122", told.when("FA-2122", "D+30") + DAY, "paid after the final notice")


def _pay(told: Foresight, number: str, at: datetime, tells: str, amount: Amount | str | None = None) -> None:
    """Adds a transfer, by default of the whole invoice."""
    event = PaymentReceived(
        creditor=CREDITOR,
        reference=f"VIR-{len(told.scenes) + 4001}",
        amount=amount or told.invoice(number).total,
        received_on=day_of(at),
        invoice=number,
    )
    told.happen(at, event, tells)


def _hold(told: Foresight, number: str, at: datetime, *, days: int, why: str) -> None:
    """Adds an operator's hold from its day on, for so many days."""
    until = day_of(at) + timedelta(days=days)
    hold = Hold(
        id=f"foreseen:{number}",
        scope=HoldScope.INVOICE,
        invoice=number,
        starts_on=day_of(at),
        until=until,
        reason=why,
    )

    def change(account: Account) -> Account:
        return account.having(holds=(*account.holds, hold))

    told.do(at, number, _ordered(number, "hold", why, until=until), change, f"held until {until}")


def _ordered(number: str, verb: str, why: str, *, step: str | None = None, until: date | None = None) -> Deed:
    """Makes an operator's order: the words go to the ledger, the run gets their id."""

    async def deed(world: World) -> None:
        handle = world.handle(_case(number))
        now = await world.skipper.get_current_time(handle)
        async with world.database.writing() as conn:
            note = await desk.write_note(conn, OPERATOR, why, now)
        order = OperatorOrder(note=note, step=step, until=until)
        await handle.execute_update(getattr(InvoiceDunning, verb), order)

    return deed


def _changed(account: Account, number: str, **facts: object) -> Account:
    def one(case: Case) -> Case:
        return case.model_copy(update=facts) if case.invoice.number == number else case

    return account.having(cases=tuple(one(case) for case in account.cases))


def _case(number: str) -> CaseRef:
    return CaseRef(creditor=CREDITOR, number=number)


def day_of(at: datetime) -> date:
    """Gives the creditor's civil day."""
    return at.astimezone(PARIS).date()
