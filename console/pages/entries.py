"""One bank entry, or one payment that came otherwise: what it may be for, and the answers to it.

In: confirming a proposal, splitting by hand, on account, a return, not ours, undoing; a payment allocated.
Not in: the list (payments.py), and what an answer changes (intake/bank/answering.py).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData

from console.forms import Form, Mistakes, Text, TypedAmount, sentence_of, typed
from console.pages.payments import Question, questions, stamp
from console.screen import SEE_OTHER, done, page
from console.seats import Operator, Seat, Viewer
from console.speech import money, speech
from domain.account import Account
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation, Payment
from intake.bank.answering import UNANSWERED, WITH_MONEY, book_entry, candidate, ignore, name_return, undo
from intake.bank.booking import Teller
from ledger import accounts
from ledger.bank import Kept, State
from ledger.views import payments as view
from ledger.views import unused as customers

router = APIRouter()

FOUND = 12
AMOUNT = TypeAdapter(TypedAmount)
NOTHING = re.compile(r"[\s0.,]*")
PART = "amount:"
"""How the field of an invoice's amount begins."""


class Because(Form):
    """States why."""

    reason: Text = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class Split:
    """Holds a sum to be given to a customer's invoices; `standing` is what they have of it already."""

    account: Account
    currency: str
    amount: Decimal
    standing: Mapping[str, Allocation]

    @classmethod
    def of(cls, account: Account, currency: str, amount: Decimal, payment: Payment | None) -> "Split":
        """Splits the money of a payment, or of an entry that has none yet."""
        parts = payment.allocations if payment is not None else ()
        return cls(account, currency, amount, {part.invoice: part for part in parts})

    @property
    def rows(self) -> list[tuple[Any, Decimal]]:
        """Lists the invoices that may get some of it, the oldest due date first, with what each can take."""
        numbers = dict.fromkeys((*self.standing, *self.account.open_numbers()))
        found = [(self.account.case(number).invoice, self._free(number)) for number in numbers]
        return [one for one in found if one[0].currency == self.currency and one[1] > ZERO]

    def _free(self, number: str) -> Decimal:
        has = self.standing.get(number)
        return self.account.balance(number).open + (has.amount + has.allowed if has is not None else ZERO)

    def parts(self, form: FormData, language: str) -> tuple[Allocation, ...]:
        """Reads how much each invoice gets; raises Mistakes, each beside its field.

        What was let go with the money stays where the amount is not changed.
        """
        say = speech(language).gettext
        given = {
            name: str(value)
            for name, value in form.items()
            if name.startswith(PART) and isinstance(value, str) and not NOTHING.fullmatch(value)
        }
        rows = {f"{PART}{invoice.number}": (invoice.number, free) for invoice, free in self.rows}
        parts, mistakes = [], {}
        for name, (number, free) in rows.items():
            if name not in given:
                continue
            try:
                amount = AMOUNT.validate_python(given[name])
            except ValidationError as fault:
                mistakes[name] = sentence_of(fault.errors()[0])
                continue
            has = self.standing.get(number)
            part = (
                has if has is not None and has.amount == amount else Allocation(invoice=number, amount=amount)
            )
            if part.amount + part.allowed > free:
                owed = money(free, self.currency, language)
                mistakes[name] = say("this invoice can take %(owed)s") % {"owed": owed}
            parts.append(part)
        total = sum((part.amount for part in parts), ZERO)
        if total > self.amount and not mistakes:
            facts = {
                "given": money(total, self.currency, language),
                "there": money(self.amount, self.currency, language),
            }
            mistakes[""] = say("%(given)s are given, and there are %(there)s") % facts
        if mistakes:
            raise Mistakes(mistakes, dict(form))
        return tuple(parts)


async def _found(seat: Seat, entry: str, of: str) -> Kept:
    seat.check(of)
    async with seat.office.database.reading() as conn:
        return await view.entry(conn, of, entry)


async def _account(seat: Seat, creditor: str, debtor: str) -> Account:
    async with seat.office.database.reading() as conn:
        return (await accounts.load(conn, creditor, debtor)).account


def _split(kept: Kept, account: Account) -> Split:
    same = (one for one in account.payments if one.reference == kept.payment and not one.reversed)
    return Split.of(account, kept.entry.currency, kept.entry.amount, next(same, None))


@router.get("/payments/entries/{entry}")
async def show(
    request: Request, seat: Viewer, entry: str, of: str = "", debtor: str = "", who: str = "", task: str = ""
) -> Response:
    """Shows an entry with its proposals and the answers that can be given."""
    return await _shown(request, seat, await _found(seat, entry, of), debtor, who.strip(), task)


async def _shown(
    request: Request,
    seat: Seat,
    kept: Kept,
    debtor: str = "",
    who: str = "",
    task: str = "",
    refused: Mistakes | None = None,
) -> Response:
    [question] = await questions(seat, [kept])
    given = kept.debtor if kept.state in WITH_MONEY else debtor
    split = _split(kept, await _account(seat, kept.creditor, given)) if given else None
    found = []
    if who:
        async with seat.office.database.reading() as conn:
            found = await customers.customers(conn, kept.creditor, who, FOUND)
    return page(
        seat,
        request,
        "payments/entry.html",
        status=422 if refused else 200,
        question=question,
        kept=kept,
        split=split,
        whose=split.account.debtor if split else None,
        suggested=_suggested(question, split),
        who=who,
        found=found,
        task=task,
        open=kept.state in UNANSWERED,
        booked=kept.state in WITH_MONEY,
        undoable=kept.state in {State.BOOKED, State.ON_ACCOUNT, State.NOT_OURS, State.SAME},
        **({"mistakes": refused.fields, "typed": refused.typed} if refused else {}),
    )


def _suggested(question: Question, split: Split | None) -> dict[str, Decimal]:
    """Gives what each invoice has of the money, or would get by the best proposal for its customer."""
    if split is None or split.standing:
        return {part.invoice: part.amount for part in split.standing.values()} if split else {}
    fits = (one.candidate for one in question.proposals if one.candidate.debtor == split.account.debtor.id)
    best = next(fits, None)
    return {part.invoice: part.amount for part in best.allocations} if best is not None else {}


Answer = Callable[[Seat, Teller, Kept, FormData], Awaitable[str]]


async def _confirm(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    place = str(form.get("place", ""))
    chosen = candidate(kept, int(place) if place.isdecimal() else 0)
    if stamp(chosen) != form.get("stamp"):
        msg = "what is proposed has changed since you looked: look again"
        raise NotAllowed(msg)
    if chosen.recorded is not None:
        await ignore(teller, kept, f"the same as payment {chosen.recorded}", seat.person.id)
        return "It is set aside: the payment is on record already."
    await book_entry(teller, kept, chosen.debtor, chosen.allocations, seat.person.id)
    return "Booked."


async def _give(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    debtor = str(form.get("debtor", ""))
    split = _split(kept, await _account(seat, kept.creditor, debtor))
    parts = split.parts(form, seat.language)
    if not parts and form.get("answer") == "give":
        raise Mistakes({"": "give at least one invoice an amount, or leave all of it on account"}, dict(form))
    await book_entry(teller, kept, debtor, parts, seat.person.id)
    return "Booked."


async def _on_account(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    await book_entry(teller, kept, str(form.get("debtor", "")), (), seat.person.id)
    return "The money is on the customer's account, for no invoice yet."


async def _returned(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    await name_return(teller, kept, str(form.get("payment", "")).strip(), seat.person.id)
    return "The payment is taken back: its invoices are owed again."


def _why(form: FormData) -> str:
    try:
        return Because.model_validate({"reason": form.get("reason", "")}).reason
    except ValidationError as fault:
        raise Mistakes({"reason": sentence_of(fault.errors()[0])}, dict(form)) from None


async def _ignore(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    await ignore(teller, kept, _why(form), seat.person.id)
    return "It is set aside as no customer's money."


async def _undo(seat: Seat, teller: Teller, kept: Kept, form: FormData) -> str:
    await undo(teller, kept, _why(form), seat.person.id)
    return "Undone: its invoices are owed again, and the entry waits for a decision."


ANSWERS: Mapping[str, Answer] = {
    "confirm": _confirm,
    "give": _give,
    "on-account": _on_account,
    "return": _returned,
    "ignore": _ignore,
    "undo": _undo,
}


@router.post("/payments/entries/{entry}")
async def answer(request: Request, seat: Operator, entry: str, of: str = "", task: str = "") -> Response:
    """Gives an answer to an entry, tells the runs, and goes on to what waits next."""
    kept = await _found(seat, entry, of)
    form = await typed(request)
    chosen = ANSWERS.get(str(form.get("answer", "")))
    if chosen is None:
        msg = "no such answer"
        raise NotFound(msg)
    teller = Teller(seat.office.database, seat.office.shelf, seat.now)
    try:
        _check_seen(kept, form)
        sentence = await chosen(seat, teller, kept, form)
    except (Mistakes, InputRefused, NotAllowed, NotFound) as fault:
        refused = _refused(fault, form)
        kept = await _found(seat, entry, of)
        return await _shown(request, seat, kept, str(form.get("debtor", "")), "", task, refused)
    await seat.office.deliver()
    return done(_next(kept, form, task), speech(seat.language).gettext(sentence))


def _check_seen(kept: Kept, form: FormData) -> None:
    """Raises NotAllowed where somebody has decided about an entry since the form was shown."""
    if form.get("seen") != kept.state.value:
        msg = "somebody has decided about this entry since you looked: look again"
        raise NotAllowed(msg)


def _refused(fault: Exception, form: FormData) -> Mistakes:
    match fault:
        case Mistakes():
            return fault
        case InputRefused():
            return Mistakes({"": f"{fault.field}: {fault.remedy}"}, dict(form))
        case _:
            return Mistakes({"": str(fault)}, dict(form))


def _next(kept: Kept, form: FormData, task: str) -> str:
    """Goes on where the person came from: to the next task, to the list, or stays with the entry undone."""
    if task:
        return "/tasks/next?group=payments"
    if form.get("answer") == "undo":
        return f"/payments/entries/{kept.id}?{urlencode({'of': kept.creditor})}"
    return "/payments"


# Payments that came by another way than a bank file


async def _payment(seat: Seat, of: str, reference: str) -> tuple[Account, Payment]:
    seat.check(of)
    async with seat.office.database.reading() as conn:
        debtor = await customers.payer(conn, of, reference)
        account = (await accounts.load(conn, of, debtor)).account
    return account, next(one for one in account.payments if one.reference == reference)


@router.get("/payments/money")
async def show_payment(
    request: Request, seat: Viewer, of: str = "", payment: str = "", task: str = ""
) -> Response:
    """Shows a payment and the invoices that its money may be given to."""
    seat.check(of)
    async with seat.office.database.reading() as conn:
        entry = await view.entry_of(conn, of, payment)
    if entry is not None:
        more = {"task": task} if task else {}
        return RedirectResponse(f"/payments/entries/{entry}?{urlencode({'of': of} | more)}", SEE_OTHER)
    account, found = await _payment(seat, of, payment)
    return _shown_payment(request, seat, account, found, task)


def _shown_payment(
    request: Request,
    seat: Seat,
    account: Account,
    payment: Payment,
    task: str,
    refused: Mistakes | None = None,
) -> Response:
    return page(
        seat,
        request,
        "payments/payment.html",
        status=422 if refused else 200,
        payment=payment,
        whose=account.debtor,
        split=Split.of(account, payment.currency, payment.amount, payment),
        task=task,
        **({"mistakes": refused.fields, "typed": refused.typed} if refused else {}),
    )


@router.post("/payments/money")
async def allocate(
    request: Request, seat: Operator, of: str = "", payment: str = "", task: str = ""
) -> Response:
    """Gives the money of a payment to invoices; what no invoice gets stays unallocated."""
    account, found = await _payment(seat, of, payment)
    form = await typed(request)
    if found.reversed:
        msg = "this payment came back: it has no money to give"
        raise NotAllowed(msg)
    try:
        async with seat.office.book(of, account.debtor.id, seat.now) as book:
            now = next(one for one in book.account.payments if one.reference == payment)
            split = Split.of(book.account, now.currency, now.amount, now)
            await book.allocate(payment, split.parts(form, seat.language), seat.person.id)
    except (Mistakes, InputRefused, NotAllowed) as fault:
        return _shown_payment(request, seat, account, found, task, _refused(fault, form))
    to = f"/payments/unallocated?{urlencode({'of': of, 'debtor': account.debtor.id})}"
    return done("/tasks/next?group=payments" if task else to, speech(seat.language).gettext("Allocated."))
