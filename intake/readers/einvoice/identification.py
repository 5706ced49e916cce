"""Which creditor and which debtor of ours an electronic invoice is about.

In: finding parties by numbers, accounts, customer ids and names; a debtor made of an unknown buyer.
Not in: whether those numbers add up (checks.py).

Numbers speak louder than names: a party on record whose number is known to be another is never meant.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from domain.faults import InputRefused
from domain.receivable import Contact, Creditor, Debtor, PostalAddress
from intake.readers.einvoice import checks
from intake.readers.einvoice.fields import account
from intake.readers.einvoice.model import EInvoice, TradeParty
from intake.readers.rows import explained, shown
from intake.readers.written import folded

Known = TypeVar("Known", Creditor, Debtor)
EMAIL_SCHEME = "EM"
LONGEST_KEY = 57


class _Numbers(NamedTuple):
    """Holds the numbers of a party that add up."""

    sirens: frozenset[str]
    vat: str | None

    @classmethod
    def of(cls, party: TradeParty) -> "_Numbers":
        return cls(checks.siren_numbers(party), party.vat if checks.is_vat(party.vat) else None)

    def name(self, known: Creditor | Debtor) -> bool:
        """Tells whether they are those of a party on record."""
        recorded = _on_record(known.siren, known.vat)
        return bool(self.sirens & recorded.sirens) or (self.vat is not None and self.vat == recorded.vat)

    def contradict(self, known: Creditor | Debtor) -> bool:
        """Tells whether they say that a party on record is another one."""
        recorded = _on_record(known.siren, known.vat)
        if self.name(known):
            return False
        of_one_country = self.vat and recorded.vat and self.vat[:2] == recorded.vat[:2]
        return bool(self.sirens and recorded.sirens) or bool(of_one_country)


def creditor_of(invoice: EInvoice, creditors: Sequence[Creditor]) -> Creditor:
    """Finds the creditor that the seller is: by its numbers, then its account, then its legal name.

    Raises InputRefused where it is none or several of ours, or where we are the buyer.
    """
    seller = invoice.seller
    numbers = _Numbers.of(seller)
    found = _narrowed(
        numbers,
        creditors,
        numbers.name,
        lambda one: bool(checks.accounts_of(one) & set(invoice.ibans)),
        lambda one: folded(one.legal_name) == folded(seller.name),
    )
    if len(found) == 1:
        return found[0]
    if found:
        ours = ", ".join(one.id for one in found)
        remedy = f"could be any of the creditors {ours}; tell them apart by SIREN or VAT number"
        raise InputRefused("seller", described(seller), remedy)
    buyer = invoice.buyer
    theirs = _Numbers.of(buyer)
    us = _narrowed(
        theirs,
        creditors,
        theirs.name,
        lambda one: folded(one.legal_name) == folded(buyer.name),
    )
    if us:
        remedy = f"is owed by our creditor {us[0].id}: an invoice to pay, not to collect; leave it out"
        raise InputRefused("seller", described(seller), remedy)
    ours = ", ".join(one.id for one in creditors) or "none is registered"
    remedy = f"is none of the creditors on file ({ours}); register it, with its SIREN, first"
    raise InputRefused("seller", described(seller, invoice.ibans), remedy)


def debtor_of(invoice: EInvoice, creditor: Creditor, debtors: Sequence[Debtor]) -> Debtor | None:
    """Finds the debtor that the buyer is: by its numbers, then our customer id, then its legal name.

    None says that the buyer is unknown. Raises InputRefused where it could be several, or where the
    customer id is that of another company.
    """
    buyer = invoice.buyer
    ours = [one for one in debtors if one.creditor == creditor.id]
    customer_ids = {each.id for each in buyer.ids}
    numbers = _Numbers.of(buyer)
    found = _narrowed(
        numbers,
        ours,
        lambda one: numbers.name(one) or one.id in numbers.sirens,
        lambda one: one.id in customer_ids,
        lambda one: folded(one.legal_name) == folded(buyer.name),
    )
    if len(found) > 1:
        names = ", ".join(one.id for one in found)
        remedy = f"could be any of the debtors {names}; state our customer id in the invoice (BT-46)"
        raise InputRefused("buyer", described(buyer), remedy)
    if found:
        return found[0]
    other = next((one for one in ours if one.id in customer_ids), None)
    if other is not None:
        remedy = f"has the customer id {other.id}, another company by its SIREN or VAT number; correct one"
        raise InputRefused("buyer", described(buyer), remedy)
    return None


def described(party: TradeParty, accounts: Sequence[str] = ()) -> str:
    """Names a party by what the invoice says of it."""
    numbers = [f"SIREN {number}" for number in sorted(checks.siren_numbers(party))]
    numbers += [f"VAT {party.vat}"] if party.vat else []
    numbers += [f"account {number}" for number in accounts]
    return shown(party.name + (f" ({', '.join(numbers)})" if numbers else ""))


def _narrowed(numbers: _Numbers, known: Sequence[Known], *tests: Callable[[Known], bool]) -> list[Known]:
    """Keeps those that pass the first test that any passes; later tests choose among several."""
    possible = [one for one in known if not numbers.contradict(one)]
    found: list[Known] = []
    for test in tests:
        passing = [one for one in found or possible if test(one)]
        found = passing or found
        if len(found) == 1:
            break
    return found


@lru_cache(maxsize=100_000)
def _on_record(siren: str | None, vat: str | None) -> _Numbers:
    """Gives the numbers on record that add up; others say nothing of who it is."""
    vat = account(vat) if vat else None
    sirens = checks.right_sirens({account(siren)} if siren else ())
    return _Numbers(frozenset(sirens | checks.siren_of_vat(vat)), vat if checks.is_vat(vat) else None)


def new_debtor(invoice: EInvoice, creditor: Creditor, taken: set[str]) -> tuple[Debtor, list[str]]:
    """Makes a debtor of a buyer that is not on record, with what is worth saying about it.

    Its id is its SIREN, else a key made of its name, which no debtor has yet.
    """
    buyer = invoice.buyer
    sirens, vat = _Numbers.of(buyer)
    siren = next(iter(sirens)) if len(sirens) == 1 else None
    country = _country(buyer, creditor)
    contacts, said = _contacts(buyer)
    address, more = _address(buyer, country)
    key = siren or _key(buyer)
    if key in taken:
        key = f"{_key(buyer)}-{hashlib.sha256(described(buyer).encode()).hexdigest()[:6]}"
    facts = {
        "creditor": creditor.id,
        "id": key,
        "legal_name": buyer.name,
        "siren": siren,
        "vat": vat,
        "address": address,
        "country": country,
        # A SIREN is French, in French territories overseas too.
        "language": "fr" if siren else creditor.language if country == creditor.country else "en",
        "contacts": contacts,
    }
    try:
        return Debtor.model_validate(facts), [*said, *more]
    except ValidationError as fault:
        raise explained(fault, model=Debtor) from fault


def _key(buyer: TradeParty) -> str:
    key = "-".join(word for word in folded(buyer.name).split() if word.isascii())[:LONGEST_KEY].strip("-")
    return key or "buyer-" + hashlib.sha256(buyer.name.encode()).hexdigest()[:8]


def _country(buyer: TradeParty, creditor: Creditor) -> str:
    for code in (buyer.address.country, (buyer.vat or "")[:2]):
        if code and len(code) == len("FR") and code.isascii() and code.isalpha():
            return "GR" if code.upper() == "EL" else code.upper()
    return creditor.country


def _contacts(buyer: TradeParty) -> tuple[tuple[Contact, ...], list[str]]:
    """Makes the contact of a buyer; an electronic address that is an e-mail address serves in need."""
    said: list[str] = []
    email = buyer.email
    if email is None and buyer.endpoint is not None and buyer.endpoint.scheme == EMAIL_SCHEME:
        email = buyer.endpoint.id
    if email is not None and not checks.is_email(email):
        said.append("the buyer's e-mail address (BT-58) is not one; it is left out")
        email = None
    if email is None and buyer.phone is None:
        said.append("the buyer has no e-mail address and no telephone: add a contact")
        return (), said
    return (Contact(name=buyer.contact, email=email, phone=buyer.phone),), said


def _address(buyer: TradeParty, country: str) -> tuple[PostalAddress | None, list[str]]:
    given = buyer.address
    facts = {"lines": given.lines, "postcode": given.postcode or "", "city": given.city, "country": country}
    try:
        return PostalAddress.model_validate(facts), []
    except ValidationError:
        return None, ["the buyer has no full postal address: no letter can be sent to it"]


def differences(invoice: EInvoice, debtor: Debtor) -> Iterator[str]:
    """Says what cannot be right in the parties of an invoice, or differs from the record."""
    yield from checks.doubts(invoice.seller, "seller")
    yield from checks.doubts(invoice.buyer, "buyer")
    yield from checks.other_name(invoice.buyer, debtor)
