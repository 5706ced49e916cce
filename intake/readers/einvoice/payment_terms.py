"""What payment terms mean: due dates, maturities with their amounts, early-payment discounts.

In: structured terms of any syntax, XRechnung's discounts inside BT-20, terms in words.
Not in: which due date holds where an invoice states none (domain/terms.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from domain.caps import end_of_month
from domain.events import Maturity
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.receivable import EarlyDiscount
from intake.readers.written import folded

TERMS = "BT-20 payment terms"
THOUSANDTH = Decimal("0.001")
LONGEST_DISCOUNT = 366

CODED = re.compile(r"#(SKONTO|VERZUG)#[^\n]*", re.IGNORECASE)
"""A line that XRechnung codes inside BT-20: a discount (SKONTO) or a penalty (VERZUG)."""

SKONTO = re.compile(
    r"#SKONTO#TAGE=([0-9]{1,3})#PROZENT=([0-9]{1,2}(?:\.[0-9]{1,3})?)(?:#BASISBETRAG=([0-9]{1,12}(?:\.[0-9]{1,2})?))?#",
    re.IGNORECASE,
)

DAYS = "(?:j|jrs?|jours?|d|days?|tage?n?)"
AROUND = (
    "(?:paiements?|payments?|payable|reglements?|terms?|conditions?|delai|echeance|virement|bank|transfer|due|is|are|a|"
    "at|by|par|sous|within|in|full|net|nets|netto|zahlbar|zahlung|innerhalb|von|binnen|ab|from|after|of|the|de|"
    "la|date|d|emission|facture|facturation|invoice|rechnungsdatum|rechnungsstellung)"
)
MONTH_END = "(?:fin de mois|fin du mois|fdm|end of month|end of the month|eom)"
NET = re.compile(rf"(?:{AROUND} )*(?:([0-9]{{1,3}}) {DAYS}(?: {AROUND})*|net ([0-9]{{1,3}}))")
THEN_MONTH_END = re.compile(rf"(?:{AROUND} )*([0-9]{{1,3}}) {DAYS}(?: nets?)? {MONTH_END}")
FROM_MONTH_END = re.compile(
    rf"(?:{AROUND} )*(?:{MONTH_END}(?: plus)? ([0-9]{{1,3}}) {DAYS}(?: nets?)?"
    rf"|([0-9]{{1,3}}) {DAYS} (?:from|after)(?: the)? {MONTH_END})"
)
PLAIN = 200
"""How long terms in words are at most that may be plain, in characters."""


@dataclass(frozen=True)
class Discount:
    """Offers `percent` of `basis` (the whole, where None) until a day, or within days of the issue."""

    percent: Decimal | None
    until: date | None = None
    days: Decimal | None = None
    basis: Decimal | None = None


@dataclass(frozen=True)
class PaymentTerm:
    """Holds one group of payment terms as a syntax gives it."""

    text: str | None = None
    due_date: date | None = None
    amount: Decimal | None = None
    discount: Discount | None = None


class Amounts(NamedTuple):
    """Holds what maturities and discounts are measured by: BT-115, BT-113, and the issue date."""

    issued: date
    due: Decimal
    prepaid: Decimal


class DueInWords(NamedTuple):
    """Holds a due date that the terms state in words, and how they were read."""

    due_date: date
    read_as: str


def settled(terms: Sequence[PaymentTerm], known: Amounts) -> dict[str, Any]:
    """Gives the fields of an EInvoice that follow from its payment terms.

    Raises InputRefused where parts with amounts do not make up what is due.
    """
    text = "\n".join(dict.fromkeys(term.text for term in terms if term.text)) or None
    offers = [term.discount for term in terms if term.discount] + list(_coded(text or ""))
    remarks: list[str] = []
    if (text or "").upper().count("#SKONTO#") > len(SKONTO.findall(text or "")):
        remarks.append("a discount in the payment terms (BT-20) is not understood; it is left out")
    discounts: list[EarlyDiscount] = []
    for offer in offers:
        if offer.percent == 0:
            continue
        discount = _discount(offer, known)
        if discount is None:
            remarks.append("an early-payment discount cannot be told in percent of the total; it is left out")
        elif discount not in discounts:
            discounts.append(discount)
    maturities = _maturities([term for term in terms if term.amount is not None], known)
    plain = [term for term in terms if not term.discount] or terms
    days = sorted({term.due_date for term in plain if term.due_date})
    return {
        "terms": text,
        "discounts": tuple(discounts),
        "maturities": maturities,
        "due_dates": () if maturities else tuple(days),
        "remarks": tuple(dict.fromkeys(remarks)),
    }


def _coded(text: str) -> Iterator[Discount]:
    for days, percent, basis in SKONTO.findall(text):
        yield Discount(Decimal(percent), days=Decimal(days), basis=Decimal(basis) if basis else None)


def _discount(offer: Discount, known: Amounts) -> EarlyDiscount | None:
    """Makes the discount that an offer means; None where it is no plain percentage of the whole."""
    whole = known.due + known.prepaid
    if offer.percent is None or (offer.basis or known.due) != whole:
        return None
    until = offer.until
    if until is None and offer.days is not None and offer.days == int(offer.days):
        until = known.issued + timedelta(days=min(int(offer.days), LONGEST_DISCOUNT))
    percent = offer.percent.quantize(THOUSANDTH)
    if until is None or until < known.issued or percent != offer.percent:
        return None
    try:
        return EarlyDiscount(percent=percent, until=until)
    except ValidationError:
        return None


def _maturities(parts: Sequence[PaymentTerm], known: Amounts) -> tuple[Maturity, ...]:
    """Makes the maturities of what is asked; money paid before counts for the first of them."""
    whole = known.due + known.prepaid
    amounts = [part.amount for part in parts if part.amount is not None]
    made = sum(amounts, ZERO)
    if known.due <= 0 or not parts:
        return ()
    if made not in {known.due, whole}:
        remedy = f"is what the payment terms sum to, while {known.due} is due; correct one of the two"
        raise InputRefused(TERMS, str(made), remedy)
    if len(parts) == 1:
        return ()
    by_day: dict[date, Decimal] = {}
    for part, amount in zip(parts, amounts, strict=True):
        if part.due_date is None or amount <= 0:
            remedy = "is a part of the amount without a due date, or not above zero; give each part both"
            raise InputRefused(TERMS, str(amount), remedy)
        by_day[part.due_date] = by_day.get(part.due_date, ZERO) + amount
    by_day[min(by_day)] += whole - made
    return tuple(Maturity(due_date=day, amount=amount) for day, amount in sorted(by_day.items()))


def in_words(text: str, issued: date) -> DueInWords | None:
    """Reads a due date out of terms in words, in French, English or German; None unless they are plain.

    "45 jours fin de mois" has two lawful readings (L441-10 I): the later day is taken, because a reminder
    that comes late does no harm.
    """
    plain = CODED.sub("", text)
    words = folded(re.sub(r"(?<=[0-9])(?=[^\W0-9])", " ", plain)) if len(plain) <= PLAIN else ""
    if found := NET.fullmatch(words):
        days = int(found[1] or found[2])
        return DueInWords(issued + timedelta(days=days), f"{days} days from the invoice date")
    if found := FROM_MONTH_END.fullmatch(words):
        days = int(found[1] or found[2])
        return DueInWords(end_of_month(issued) + timedelta(days=days), f"end of month, then {days} days")
    if found := THEN_MONTH_END.fullmatch(words):
        days = int(found[1])
        first = end_of_month(issued) + timedelta(days=days)
        last = end_of_month(issued + timedelta(days=days))
        reading = f"end of month, then {days} days" if first >= last else f"{days} days, then end of month"
        return DueInWords(max(first, last), f"{reading}: the later of the two lawful readings")
    return None
