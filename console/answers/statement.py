"""What the debtor's page says: his open invoices, what is known of each, and how to pay.

In: the account in the words of its debtor; which invoices each answer may be about.
Not in: what the creditor notes for himself (reasons of holds, tasks, steps), and other debtors.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from console.answers.guests import Guest
from console.speech import day, money
from correspondence.formats import grouped, one_line
from correspondence.payment_code import PaymentCode, creditor_reference, payment_code
from domain.account import Account
from domain.actions import Ending
from domain.agreements import Agreement, Dispute, InstalmentPlan, PromiseToPay
from domain.concluding import UNDER_WAY, next_duty
from domain.fact import ZERO, Fact
from domain.faults import InputRefused
from domain.standing import Standing
from intake.answers import PREFIX, is_since_last_message

MOST = 100
"""How many invoices one answer may be about (domain/answers.py)."""


class Line(Fact):
    """States one invoice; `asked` is what is asked for of it, `notes` what is known beside that."""

    number: str
    issued: date
    due: date
    currency: str
    total: Decimal
    open: Decimal
    asked: Decimal
    overdue: bool
    handed_off: bool
    has_document: bool
    reference: str
    code: bool
    notes: tuple[str, ...]


class Sum(Fact):
    """Sums what is open in one currency, and what is asked for of it once all is taken into account."""

    currency: str
    open: Decimal
    received: Decimal
    contested: Decimal
    asked: Decimal


class Statement(Fact):
    """States all that the page shows of an account."""

    lines: tuple[Line, ...]
    sums: tuple[Sum, ...]
    beneficiary: str
    iban: str
    bic: str

    def line(self, number: str) -> Line | None:
        """Finds an open invoice."""
        return next((line for line in self.lines if line.number == number), None)


def statement(guest: Guest) -> Statement:
    """Says what is open, the oldest due date first."""
    account = guest.account
    numbers = [case.invoice.number for case in account.cases if _is_owed(account, case.invoice.number)]
    lines = [_line(guest, number) for number in numbers]
    creditor = account.creditor
    return Statement(
        lines=tuple(sorted(lines, key=lambda line: (line.due, line.number))),
        sums=tuple(_sums(account, [line for line in lines if not line.handed_off])),
        beneficiary=one_line(creditor.legal_name),
        iban=grouped(creditor.iban, 4) if creditor.iban else "",
        bic=one_line(creditor.bic or ""),
    )


def _is_owed(account: Account, number: str) -> bool:
    given_up = account.case(number).ending is Ending.WRITTEN_OFF
    return account.balance(number).open > ZERO and not given_up


def _line(guest: Guest, number: str) -> Line:
    account = guest.account
    case, balance = account.case(number), account.balance(number)
    invoice, handed_off = case.invoice, case.ending is Ending.HANDED_OFF
    asked = ZERO if handed_off else account.claimable(number, guest.today)
    return Line(
        number=number,
        issued=invoice.issue_date,
        due=invoice.due_date,
        currency=invoice.currency,
        total=invoice.total,
        open=balance.open,
        asked=asked,
        overdue=invoice.due_date < guest.today,
        handed_off=handed_off,
        has_document=invoice.pdf is not None,
        reference=creditor_reference(number),
        code=code_of(account, number, asked) is not None,
        notes=tuple(_notes(guest, number)),
    )


def code_of(account: Account, number: str, asked: Decimal) -> PaymentCode | None:
    """Draws the code of the transfer for one invoice; None where none can carry it."""
    creditor, invoice = account.creditor, account.case(number).invoice
    if creditor.iban is None or asked <= ZERO:
        return None
    try:
        return payment_code(
            name=one_line(creditor.legal_name),
            iban=creditor.iban,
            amount=asked,
            currency=invoice.currency,
            reference=creditor_reference(number),
            bic=creditor.bic,
        )
    except InputRefused:  # an account that cannot be right is not offered to be paid into
        return None


def _sums(account: Account, lines: Iterable[Line]) -> Iterable[Sum]:
    lines = list(lines)
    for currency in sorted({line.currency for line in lines}):
        own = [line for line in lines if line.currency == currency]
        balances = [account.balance(line.number) for line in own]
        asked = sum((line.asked for line in own), ZERO)
        net = sum((balance.net for balance in balances), ZERO)
        yield Sum(
            currency=currency,
            open=sum((balance.open for balance in balances), ZERO),
            received=sum((balance.presumed for balance in balances), ZERO),
            contested=net - asked,
            asked=asked,
        )


def _notes(guest: Guest, number: str) -> Iterable[str]:
    """Says of an invoice what its debtor said or agreed, and what is held because of it."""
    account, say = guest.account, guest.speech.gettext
    case = account.case(number)
    if case.ending is Ending.HANDED_OFF:
        agency = one_line(account.creditor.agency or "")
        yield (
            (say("Entrusted to %(agency)s") % {"agency": agency}) if agency else say("Entrusted to an agency")
        )
        return
    for one in account.agreements:
        if number in one.invoices and account.standing(one, guest.today) in UNDER_WAY:
            yield from _agreed(guest, one)
    held = [
        hold.until
        for hold in account.holds
        if hold.id.startswith(PREFIX) and hold.covers(number, guest.today)
    ]
    if held:
        until = day(max(held), guest.language)
        yield say("We are looking at your answer, until %(day)s") % {"day": until}


def _agreed(guest: Guest, one: Agreement) -> Iterable[str]:
    account, say, language = guest.account, guest.speech.gettext, guest.language
    currency = account.case(one.invoices[0]).invoice.currency
    if account.standing(one, guest.today) is Standing.PENDING:
        if one.id.startswith(PREFIX):
            yield say("We are looking at your proposal of %(day)s") % {"day": day(one.made_on, language)}
        return
    match one:
        case Dispute(amount=None):
            yield say("Disputed: not asked for until %(day)s") % {"day": day(one.until, language)}
        case Dispute(amount=Decimal() as amount):
            said = {"amount": money(amount, currency, language), "day": day(one.until, language)}
            yield say("%(amount)s disputed: not asked for until %(day)s") % said
        case PromiseToPay():
            amount = one.amount or one.owed or ZERO
            said = {"amount": money(amount, currency, language), "day": day(one.pay_by, language)}
            yield say("You will pay %(amount)s by %(day)s") % said
        case InstalmentPlan():
            duty = next_duty(account, one)
            if duty is not None:
                due = duty.by - timedelta(days=account.creditor.grace_days)
                yield say("Instalments agreed; the next by %(day)s") % {"day": day(due, language)}
        case _:
            pass


# Which invoices an answer may be about


def eligible(guest: Guest, said: Statement, kind: str) -> tuple[Line, ...]:
    """Lists the invoices that an answer of a kind may be about now."""
    own = [line for line in said.lines if not line.handed_off]
    if kind in {"promise", "instalments"}:
        own = [
            line for line in own if line.asked > ZERO and not _is_settled(guest, line.number, disputes=False)
        ]
    elif kind == "dispute":
        own = [line for line in own if not _is_settled(guest, line.number, disputes=True)]
    return tuple(own)


def _is_settled(guest: Guest, number: str, *, disputes: bool) -> bool:
    """Tells whether an agreement stands about an invoice, or was asked for since the latest message."""
    account = guest.account
    return any(
        number in one.invoices
        and isinstance(one, Dispute) is disputes
        and (
            account.standing(one, guest.today) in UNDER_WAY
            or (one.id.startswith(PREFIX) and is_since_last_message(account, one.made_on))
        )
        for one in account.agreements
    )
