"""What must be true of an event before any record is read.

In: currencies, account numbers, registration numbers, addresses, dates that can be meant.
Not in: what depends on the record (parties.py, invoices.py, receipts.py).

A reminder in the wrong name or to the wrong account is worse than none, so a number of the creditor's whose
check digits do not add up is refused. The debtor's numbers come from the other side, and nobody here can
correct them: they are only warned of (warnings.py).
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stdnum import bic, get_cc_module, iban
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError as NumberFault
from stdnum.fr import siren

from domain.answers import DebtorAnswered, WrongContact
from domain.events import (
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    PaymentReceived,
    StatusReported,
)
from domain.faults import InputRefused
from domain.receivable import Creditor, Debtor
from intake.currencies import CURRENCIES, WHOLE
from intake.readers.rows import shown

EARLIEST = date(1990, 1, 1)
LATEST = date(2100, 12, 31)
HIGHEST_VERSION = 1_000_000
LONGEST_EMAIL = 254
LONGEST_LOCAL_PART = 64
EMAIL = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def check(event: Event | DebtorAnswered) -> None:  # noqa: C901 - one each
    """Raises InputRefused for the first thing in an event that cannot be meant."""
    for path, text in _texts(event.model_dump(), ""):
        if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
            raise InputRefused(path, shown(text), "contains a control character; remove it")
    match event:
        case CreditorRegistered():
            _check_creditor(event.creditor)
        case DebtorRegistered():
            _check_debtor(event.debtor)
        case InvoiceCreated():
            _check_invoice(event)
        case PaymentReceived():
            _check_money("amount", event.amount, event.currency)
            _check_day("received_on", event.received_on)
            given = sum((part.amount for part in event.allocations), Decimal(0))
            if given > event.amount:
                raise InputRefused(
                    field="allocations",
                    value=f"{given:.2f}",
                    remedy=f"is more than the payment's {event.amount:.2f}; correct the parts",
                )
        case CreditNoteIssued():
            _check_money("total", event.total, event.currency)
            _check_day("issue_date", event.issue_date)
        case StatusReported():
            _check_status(event)
        case DebtorAnswered(answer=WrongContact(email=email)):
            _check_email("answer.email", email)
        case _:
            pass


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _texts(part, f"{path}.{index}")


def _check_creditor(creditor: Creditor) -> None:
    _check_siren("creditor.siren", creditor.siren)
    _check_vat("creditor.vat", creditor.vat)
    _check_zone("creditor.time_zone", creditor.time_zone)
    _check_email("creditor.email", creditor.email)
    _check_email("creditor.reply_to", creditor.reply_to)
    if creditor.iban is not None and not passes(iban_adds_up, creditor.iban):
        remedy = "is not an IBAN, its check digits do not add up; copy it from the bank's own document"
        raise InputRefused(field="creditor.iban", value=shown(creditor.iban), remedy=remedy)
    if creditor.bic is not None and not passes(bic.validate, creditor.bic):
        raise InputRefused(
            field="creditor.bic",
            value=shown(creditor.bic),
            remedy="is not a BIC; give 8 or 11 characters, or leave it out",
        )


def _check_debtor(debtor: Debtor) -> None:
    if debtor.time_zone is not None:
        _check_zone("debtor.time_zone", debtor.time_zone)
    for index, contact in enumerate(debtor.contacts):
        _check_email(f"debtor.contacts.{index}.email", contact.email)


def _check_invoice(event: InvoiceCreated) -> None:
    _check_money("total", event.total, event.currency)
    _check_day("issue_date", event.issue_date)
    if event.due_date is not None:
        _check_due("due_date", event.due_date, event.issue_date)
    for index, part in enumerate(event.maturities):
        _check_due(f"maturities.{index}.due_date", part.due_date, event.issue_date)
    if event.version > HIGHEST_VERSION:
        raise InputRefused(
            field="version", value=event.version, remedy=f"is no version; count from 1 to {HIGHEST_VERSION:,}"
        )


def _check_status(event: StatusReported) -> None:
    _check_day("at", event.at.date())
    for field, day in (("issue_date", event.issue_date), ("effective_on", event.effective_on)):
        if day is not None:
            _check_day(field, day)
    if event.amount is not None and event.currency is not None:
        _check_money("amount", event.amount, event.currency)


def _check_due(field: str, due: date, issued: date) -> None:
    _check_day(field, due)
    if due < issued:
        raise InputRefused(
            field, due.isoformat(), f"lies before the issue date {issued}; correct one of the two"
        )


def _check_day(field: str, day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise InputRefused(
            field, day.isoformat(), f"lies outside {EARLIEST.year}-{LATEST.year}; check the year"
        )


def _check_money(field: str, amount: Decimal, currency: str) -> None:
    _check_currency(currency)
    if currency in WHOLE and amount != amount.to_integral_value():
        raise InputRefused(
            field, f"{amount:.2f}", f"{currency} has no smaller unit; write a whole amount such as 1250"
        )


def _check_currency(currency: str) -> None:
    if currency not in CURRENCIES:
        raise InputRefused(
            field="currency",
            value=currency,
            remedy="is not an ISO 4217 currency in use; write for example EUR",
        )


def _check_zone(field: str, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputRefused(field, shown(zone), "is not a time zone; write for example Europe/Paris") from None


def _check_email(field: str, email: str | None) -> None:
    if email is None:
        return
    found = EMAIL.fullmatch(email)
    if found is None or len(email) > LONGEST_EMAIL or len(found["local"]) > LONGEST_LOCAL_PART:
        raise InputRefused(field, shown(email), "is not an e-mail address; correct it or leave it out")


def _check_siren(field: str, number: str | None) -> None:
    if number is not None and not passes(siren.validate, number):
        remedy = "is not a SIREN, its nine digits do not add up; correct it or leave the field out"
        raise InputRefused(field, shown(number), remedy)


def _check_vat(field: str, number: str | None) -> None:
    if number is not None and not passes(vat_adds_up, number):
        remedy = "is not a VAT number, its check digits do not add up; correct it or leave the field out"
        raise InputRefused(field, shown(number), remedy)


def iban_adds_up(number: str) -> str:
    """Raises NumberFault for an IBAN whose check digits do not add up."""
    # The checks of single countries refuse accounts that their banks use.
    checked: str = iban.validate(number, check_country=False)
    return checked


def vat_adds_up(number: str) -> str:
    """Raises NumberFault for a VAT number that its country cannot have given."""
    country = number.strip()[:2].lower()
    national = get_cc_module(country, "vat") if country.isascii() and country.isalpha() else None
    if national is None or country in eu_vat.MEMBER_STATES:
        checked: str = eu_vat.validate(number)
        return checked
    return str(national.validate(number))


def passes(validate: Any, number: str) -> bool:
    """Tells whether a number passes a check; the checks stumble over text outside ASCII."""
    if not number.isascii():
        return False
    try:
        validate(number)
    except NumberFault:
        return False
    return True
