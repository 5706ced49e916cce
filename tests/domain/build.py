"""Builders: facts as short as a sentence, for every test that needs an account.

In: parties, invoices, money, holds, policies and accounts with sensible defaults; the walk through time
as lines of text. Not in: anything about databases, files or Temporal.

    rules = policy(step("first", 2), step("second", 30))
    owed = account(rules, invoice("F-1", due="2026-03-31"))
    next_action(owed, "F-1", rules, at("2026-04-02 09:00"))

Every builder takes any field of its model by name. Days are ISO dates; instants are read in Paris.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.account import Account, Case, Contacted
from domain.actions import StepTaken
from domain.agreements import Hold
from domain.gate import Policies, Verdict, judge
from domain.policy import Channel, DunningPolicy, DunningStep, Roll, Tone
from domain.receivable import CreditNote, Creditor, Debtor, Invoice, Payment
from domain.reminder import Reminder
from domain.schedule import PlannedStep, calendar, next_action, taken
from domain.simulation import Change, Simulated, contacted, recorded, simulate

FAR = timedelta(days=800)


def at(text: str, zone: str = "Europe/Paris") -> datetime:
    """Reads an instant: `2026-03-31 09:00` is nine o'clock in Paris, `2026-03-31` is midnight there."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def utc(text: str) -> datetime:
    """Reads an instant in UTC."""
    return at(text, "UTC")


def day(text: str) -> date:
    """Reads a civil day."""
    return date.fromisoformat(text)


def money(text: str) -> Decimal:
    """Reads an amount."""
    return Decimal(text)


# Parties


def creditor(**more: object) -> Creditor:
    """Gives a French creditor in Lyon that learns of payments as they are booked."""
    facts: dict[str, object] = {
        "id": "acme",
        "legal_name": "Acme SAS",
        "address": {"lines": ("1 rue du Port",), "postcode": "69002", "city": "Lyon"},
        "email": "compta@acme.example",
        "contact_cap_days": 1,
    }
    return Creditor.model_validate(facts | more)


def debtor(**more: object) -> Debtor:
    """Gives a French debtor in Lyon that can be reached by e-mail and by letter."""
    facts: dict[str, object] = {
        "creditor": "acme",
        "id": "dubois",
        "legal_name": "Dubois SARL",
        "address": {"lines": ("2 quai Bas",), "postcode": "69003", "city": "Lyon"},
        "contacts": ({"email": "factures@dubois.example"},),
    }
    return Debtor.model_validate(facts | more)


# Money


def invoice(
    number: str = "F-1", due: str | date = "2026-03-31", total: str = "100.00", **more: object
) -> Invoice:
    """Gives an invoice issued thirty days before it is due."""
    due_date = day(due) if isinstance(due, str) else due
    facts: dict[str, object] = {
        "creditor": "acme",
        "number": number,
        "debtor": "dubois",
        "issue_date": due_date - timedelta(days=30),
        "due_date": due_date,
        "total": total,
    }
    return Invoice.model_validate(facts | more)


def payment(
    amount: str, *, reference: str = "VIR-1", on: str = "2026-03-01", **invoices: str | bool
) -> Payment:
    """Gives money received; what is given to no invoice is unallocated: `payment("60.00", F_1="50.00")`.

    A number's hyphens are written as underscores; `reversed=True` says that the money came back.
    """
    undone = invoices.pop("reversed", False)
    parts = [{"invoice": name.replace("_", "-"), "amount": part} for name, part in invoices.items()]
    facts = {"creditor": "acme", "reference": reference, "debtor": "dubois", "received_on": day(on)}
    return Payment.model_validate(facts | {"amount": amount, "allocations": parts, "reversed": undone})


def credit_note(total: str, number: str = "A-1", **more: object) -> CreditNote:
    """Gives a credit note on the account as a whole, or on `invoice=`."""
    facts: dict[str, object] = {
        "creditor": "acme",
        "number": number,
        "debtor": "dubois",
        "issue_date": day("2026-03-01"),
        "total": total,
    }
    return CreditNote.model_validate(facts | more)


def hold(starts: str, until: str, scope: str = "debtor", **more: object) -> Hold:
    """Gives a hold on the debtor, or on one invoice with `scope="invoice", invoice=...`."""
    facts: dict[str, object] = {"id": "H-1", "scope": scope, "starts_on": day(starts), "until": day(until)}
    return Hold.model_validate(facts | {"reason": "asked for time"} | more)


# Policies


def step(
    key: str, offset_days: int, tone: str = "courteous", channel: str = "email", **more: object
) -> DunningStep:
    """Gives a step by e-mail; a handoff gets the tone it must have."""
    facts: dict[str, object] = {"key": key, "offset_days": offset_days, "channel": channel, "tone": tone}
    if channel == "handoff":
        facts["tone"] = "recovery"
    if Channel(channel).writes:
        facts["message"] = "reminder"
    return DunningStep.model_validate(facts | more)


def handoff(offset_days: int = 45, key: str = "handoff") -> DunningStep:
    """Gives the step that ends a ladder at the recovery agency."""
    return step(key, offset_days, channel="handoff")


def policy(*steps: DunningStep, **more: object) -> DunningPolicy:
    """Gives a policy that catches up one required step at a time and leaves every day where it is.

    Days are not rolled unless `roll` says so, and steps keep one day of spacing.
    """
    facts: dict[str, object] = {
        "id": "test",
        "title": {"en": "Test"},
        "spacing_days": 1,
        "catch_up": "next_required",
        "roll": "none",
        "steps": steps,
    }
    return DunningPolicy.model_validate(facts | more)


def ladder(*offsets: int, **more: object) -> DunningPolicy:
    """Gives a policy of equal e-mails at those days, with keys `1`, `2`, `3`..."""
    return policy(*(step(str(rung), offset) for rung, offset in enumerate(offsets, start=1)), **more)


def seed_policy(roll: Roll = Roll.OUTWARD, **more: object) -> DunningPolicy:
    """Gives the calendar of the seeds: D-10, D-3, D+2, D+30 by e-mail, then the handoff at D+45."""
    return policy(
        step("D-10", -10, "commercial"),
        step("D-3", -3, "commercial"),
        step("D+2", 2, "courteous"),
        step("D+30", 30, "firm"),
        handoff(45),
        **({"id": "seed", "roll": roll, "spacing_days": 3} | more),
    )


def shelf(*rules: DunningPolicy) -> Policies:
    """Puts policies by their version, as the gate wants them."""
    return {one.version: one for one in rules}


# Accounts


def account(rules: DunningPolicy, *owed: Invoice | Case, **more: object) -> Account:
    """Gives an account whose invoices all follow one policy; a Case is taken as it is."""
    cases = tuple(one if isinstance(one, Case) else Case(invoice=one, policy=rules.version) for one in owed)
    return Account.model_validate({"creditor": creditor(), "debtor": debtor(), "cases": cases} | more)


def case(owed: Invoice, rules: DunningPolicy, *behind: StepTaken, **more: object) -> Case:
    """Gives a case with steps behind it: `case(invoice(), rules, done(rules, "1", "2026-04-03"))`."""
    return Case.model_validate({"invoice": owed, "policy": rules.version, "taken": behind} | more)


def done(rules: DunningPolicy, key: str, on: str, **more: object) -> StepTaken:
    """Records that a step was taken on a day, with the deadline that its message printed."""
    return taken(rules.step(key), day(on)).model_copy(update=more)


def contact(on: str, tone: Tone, *invoices: str, **more: object) -> Contacted:
    """Records a message about overdue invoices that left at ten o'clock in Paris."""
    facts: dict[str, object] = {
        "message": f"message of {on}",
        "day": day(on),
        "at": at(f"{on} 10:00"),
        "channel": Channel.EMAIL,
        "tone": tone,
        "wording": f"wording-{tone.name.lower()}",
        "invoices": invoices,
        "overdue": True,
    }
    return Contacted.model_validate(facts | more)


def changed(account_: Account, number: str, **changes: object) -> Account:
    """Gives the account with some fields of one case replaced."""
    return account_.having(
        cases=tuple(
            one.model_copy(update=changes) if one.invoice.number == number else one for one in account_.cases
        )
    )


def paying(*payments: Payment) -> Change:
    """Makes the dated change that books payments."""
    return lambda account_: account_.having(payments=(*account_.payments, *payments))


# What happens


def verdict(account_: Account, number: str, rules: DunningPolicy, now: str) -> Verdict:
    """Asks the gate at an hour of Paris."""
    return judge(account_, number, shelf(rules), at(now))


def reminder(account_: Account, number: str, rules: DunningPolicy, now: str) -> Reminder:
    """Asks the gate at an hour of Paris and expects it to let a message leave."""
    answer = verdict(account_, number, rules, now)
    assert isinstance(answer, Reminder), answer
    return answer


def sent(account_: Account, message: Reminder, when: str) -> Account:
    """Gives the account as it stands once a message has left."""
    covered = {line.number: recorded(message, line) for line in message.lines}
    cases = tuple(
        one.model_copy(update={"taken": (*one.taken, covered[one.invoice.number])})
        if one.invoice.number in covered
        else one
        for one in account_.cases
    )
    return account_.having(cases=cases, contacts=(*account_.contacts, contacted(message, at(when))))


def upcoming(account_: Account, number: str, rules: DunningPolicy, now: str) -> str:
    """Says what comes next in a few words: `2 on 2026-04-12`, `close paid`, `wait allocate`."""
    action = next_action(account_, number, rules, at(now))
    if action.kind == "take":
        return f"{action.step} on {action.day}"
    return f"close {action.ending}" if action.closes else f"wait {action.because.rule}"


def preview(account_: Account, number: str, rules: DunningPolicy, now: str) -> tuple[PlannedStep, ...]:
    """Previews an invoice's calendar from an hour of Paris."""
    return calendar(account_, number, rules, at(now))


def days(lines: Iterable[PlannedStep]) -> dict[str, str]:
    """Reads a calendar as days by step."""
    return {line.step: line.day.isoformat() for line in lines}


def live(
    accounts: Account | Iterable[Account],
    rules: DunningPolicy | Policies,
    start: str,
    facts: Mapping[str, Change | Iterable[Change]] | None = None,
    end: str | None = None,
) -> Simulated:
    """Lives through the time from an hour of Paris, with facts by their hour; 800 days without an end."""
    told: list[tuple[datetime, str, Callable[[Account], Account]]] = []
    for when, changes in (facts or {}).items():
        several = (changes,) if callable(changes) else tuple(changes)
        told += [(at(when), "dubois", change) for change in several]
    return simulate(
        (accounts,) if isinstance(accounts, Account) else accounts,
        shelf(rules) if isinstance(rules, DunningPolicy) else rules,
        told,
        at(start),
        at(end) if end else at(start) + FAR,
    )


def story(lived: Simulated) -> list[str]:
    """Reads what happened, in Paris: `2026-04-02 F-1 D+2 sent`, `2026-04-03 F-1 - settled paid`."""
    zone = ZoneInfo("Europe/Paris")
    return [
        " ".join(
            [
                entry.at.astimezone(zone).date().isoformat(),
                entry.invoice,
                entry.step or "-",
                entry.what.value,
                *([entry.ending.value] if entry.ending else []),
            ]
        )
        for entry in lived.entries
    ]
