"""What an electronic invoice means for the record: the events to be taken in, and what to say about them.

In: the events of an invoice and of a credit note, the due date that applies.
Not in: reading (reading.py), kinds of document (document_types.py), the parties (identification.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain import terms
from domain.events import CreditNoteIssued, DebtorRegistered, Event, InvoiceCreated, PaymentReceived
from domain.fact import ZERO, Fact, Key
from domain.receivable import Creditor, Debtor, DueDateSource
from intake import identity
from intake.readers.einvoice.checks import doubtful_accounts
from intake.readers.einvoice.document_types import FACTORED, Meaning, called, meaning_of
from intake.readers.einvoice.fields import single
from intake.readers.einvoice.identification import creditor_of, debtor_of, differences, new_debtor
from intake.readers.einvoice.model import EInvoice
from intake.readers.einvoice.payment_terms import in_words
from intake.readers.rows import explained, shown

DIRECT_DEBIT = frozenset({"49", "59"})
"""Means of payment (UNTDID 4461) by which the creditor collects."""

LONGEST_TERMS = 120
KEY: TypeAdapter[str] = TypeAdapter(Key)

FALLBACKS = {
    DueDateSource.DEBTOR_TERMS: "the terms agreed with the customer apply",
    DueDateSource.CREDITOR_TERMS: "the creditor's usual terms apply",
    DueDateSource.LEGAL_DEFAULT: f"the legal default of {terms.LEGAL_TERM_DAYS} days applies",
}


class Understanding(Fact):
    """Holds the events that an electronic invoice means, in their order, and what is to be said about it.

    `notes` say how it was read, `warnings` what a person should look at.
    """

    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class _Said:
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def to_events(
    invoice: EInvoice, creditors: Sequence[Creditor], debtors: Sequence[Debtor], pdf: str | None = None
) -> Understanding:
    """Tells what is to be taken in for an electronic invoice; `pdf` names its document.

    `creditors` and `debtors` are those on record. Raises InputRefused, for the whole of it, where the parties
    are not clear, where the document is not one to collect, or where the door would refuse a part of it.
    """
    meaning = meaning_of(invoice)
    creditor = creditor_of(invoice, creditors)
    debtor = debtor_of(invoice, creditor, debtors)
    said = _Said(notes=[*_introduced(invoice), *invoice.remarks])
    events: list[Event] = []
    if debtor is None:
        taken = {one.id for one in debtors if one.creditor == creditor.id}
        debtor, doubts = new_debtor(invoice, creditor, taken)
        events.append(DebtorRegistered(debtor=debtor))
        said.notes.append(f"buyer {shown(debtor.legal_name)} is new: it is registered as {debtor.id}")
        said.warnings += doubts
    said.warnings += differences(invoice, debtor)
    if meaning is Meaning.NOTHING:
        said.notes.append("it asks for nothing: there is nothing to take in")
        return Understanding(notes=tuple(said.notes), warnings=tuple(said.warnings))
    try:
        if meaning is Meaning.INVOICE:
            events += _invoice(invoice, creditor, debtor, pdf, said)
        else:
            events.append(_credit_note(invoice, creditor, debtor, said))
    except ValidationError as fault:
        raise explained(fault) from fault
    for event in events:
        identity.check(event)
    return Understanding(events=tuple(events), notes=tuple(said.notes), warnings=tuple(said.warnings))


def _introduced(invoice: EInvoice) -> list[str]:
    inside = f" in {invoice.embedded}" if invoice.embedded else ""
    code = invoice.type_code
    return [f"{called(code)} {shown(invoice.number)} (type {code}), {invoice.syntax}{inside}"]


def _invoice(
    invoice: EInvoice, creditor: Creditor, debtor: Debtor, pdf: str | None, said: _Said
) -> list[Event]:
    """Makes the invoice, and the payment of what was paid before it was issued."""
    delivery = invoice.despatch_reference or invoice.receipt_reference
    facts: dict[str, Any] = {
        "creditor": creditor.id,
        "number": invoice.number,
        "debtor": debtor.id,
        "issue_date": invoice.issue_date,
        "currency": invoice.currency,
        "total": invoice.asked,
        "order_reference": _short("BT-13 order", invoice.order_reference, said),
        "delivery_reference": _short("BT-16 despatch advice", delivery, said),
        "pdf": pdf,
        "reference": _short("BT-83 remittance information", invoice.payment_reference, said, 140),
        "discounts": invoice.discounts,
        "direct_debit": bool(DIRECT_DEBIT & set(invoice.means)),
    }
    created = InvoiceCreated(**facts, **_due(invoice, creditor, debtor, said))
    _warn_of_payment(invoice, creditor, said)
    if invoice.prepaid == ZERO:
        return [created]
    said.notes.append(f"{invoice.prepaid} {invoice.currency} were paid before; {invoice.due} are due")
    paid = PaymentReceived(
        creditor=creditor.id,
        reference=f"prepaid:{invoice.number}",
        amount=invoice.prepaid,
        currency=invoice.currency,
        received_on=invoice.issue_date,
        debtor=debtor.id,
        invoice=invoice.number,
    )
    return [created, paid]


def _short(field_name: str, reference: str | None, said: _Said, most: int = 64) -> str | None:
    """Leaves out a reference that is too long to keep: a part of it would be another one."""
    if reference is None or len(reference) <= most:
        return reference
    said.warnings.append(f"{field_name} is longer than {most} characters; it is left out")
    return None


def _warn_of_payment(invoice: EInvoice, creditor: Creditor, said: _Said) -> None:
    said.warnings += doubtful_accounts(invoice, creditor)
    if invoice.type_code in FACTORED:
        said.warnings.append(
            "the invoice is factored, the factor collects it: check before anything is asked for"
        )
    if invoice.payee is not None:
        said.warnings.append(f"it is to be paid to {shown(invoice.payee)} (BT-59), not to the seller")
    if DIRECT_DEBIT & set(invoice.means) and not set(invoice.means) <= DIRECT_DEBIT:
        said.warnings.append(
            "direct debit is stated among other means of payment; it is taken as direct debit"
        )


def _due(invoice: EInvoice, creditor: Creditor, debtor: Debtor, said: _Said) -> dict[str, Any]:
    """Finds the due date, or leaves it to the terms agreed; says which applied."""
    if invoice.maturities:
        said.notes.append(f"payable in {len(invoice.maturities)} parts")
        return {"maturities": invoice.maturities}
    if invoice.due_dates:
        if len(invoice.due_dates) > 1:
            days = ", ".join(day.isoformat() for day in invoice.due_dates)
            said.warnings.append(
                f"several due dates without amounts are stated ({days}); the last one is taken"
            )
        return {"due_date": max(invoice.due_dates)}
    read = in_words(invoice.terms, invoice.issue_date) if invoice.terms else None
    if read is not None:
        said.notes.append(f"no due date (BT-9): {read.due_date} by its terms (BT-20), {read.read_as}")
        days_of_terms = (read.due_date - invoice.issue_date).days
        if days_of_terms > LONGEST_TERMS:
            return {"due_date": read.due_date}
        return {"terms_days": days_of_terms}
    day, source = terms.due_date(
        invoice.issue_date,
        stated=None,
        terms_days=None,
        debtor_terms_days=debtor.terms_days,
        creditor_terms_days=creditor.terms_days,
    )
    unread = f", and its terms {shown(single(invoice.terms))!r} are not plain" if invoice.terms else ""
    said.notes.append(f"no due date (BT-9){unread}: {FALLBACKS[source]}, {day}")
    return {}


def _credit_note(invoice: EInvoice, creditor: Creditor, debtor: Debtor, said: _Said) -> CreditNoteIssued:
    """Makes a credit note, on the one invoice that it names, else on the debtor's account."""
    named = [number for number in invoice.preceding if number != invoice.number and _is_key(number)]
    on = named[0] if len(named) == len(invoice.preceding) == 1 else None
    amount: Decimal = abs(invoice.asked)
    if on is None:
        stated = shown(", ".join(invoice.preceding)) or "none"
        said.notes.append(f"it names no single invoice (BT-25: {stated}): it reduces the customer's account")
    if invoice.prepaid != ZERO:
        said.warnings.append(
            f"it says that {invoice.prepaid} were paid (BT-113), and all of {amount} are credited: check it"
        )
    return CreditNoteIssued(
        creditor=creditor.id,
        number=invoice.number,
        debtor=debtor.id,
        invoice=on,
        issue_date=invoice.issue_date,
        currency=invoice.currency,
        total=amount,
    )


def _is_key(number: str) -> bool:
    try:
        KEY.validate_python(number)
    except ValidationError:
        return False
    return True
