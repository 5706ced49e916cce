"""Numbers and names in an electronic invoice that cannot be right, as warnings with their reason.

In: SIREN, SIRET with the rule of La Poste, VAT numbers, IBANs, and names that differ from the record.
Not in: refusals; an invoice is taken in with its doubts, and doubtful numbers are not used.
"""

from collections.abc import Iterable, Iterator

from stdnum.fr import siren, siret

from domain.events import DebtorRegistered
from domain.faults import InputRefused
from domain.receivable import Contact, Creditor, Debtor
from intake import identity
from intake.readers.einvoice.fields import account
from intake.readers.einvoice.model import EInvoice, Identifier, TradeParty
from intake.readers.rows import shown
from intake.readers.written import folded

SIREN, SIRET = "0002", "0009"
"""ISO 6523 codes of the French registers."""

SIREN_DIGITS, SIRET_DIGITS = 9, 14

LEGAL_FORMS = frozenset(
    [
        *("sa", "sas", "sasu", "sarl", "eurl", "sci", "snc", "scop", "gmbh", "ag", "kg", "ug", "ohg", "ltd"),
        *("limited", "plc", "llp", "inc", "bv", "nv", "sprl", "srl", "spa", "sl", "ab", "as", "aps", "oy"),
    ]
)


def is_vat(number: str | None) -> bool:
    """Tells whether a VAT number is stated and adds up."""
    return number is not None and identity.passes(identity.vat_adds_up, number)


def is_email(email: str) -> bool:
    """Tells whether the door would take an e-mail address."""
    debtor = Debtor(creditor="any", id="any", legal_name="any", contacts=(Contact(email=email),))
    try:
        identity.check(DebtorRegistered(debtor=debtor))
    except InputRefused:
        return False
    return True


def french_numbers(party: TradeParty) -> Iterator[tuple[str, bool]]:
    """Yields the SIREN and SIRET numbers of a party, each with whether its digits add up.

    Old files have a SIRET under the scheme of SIREN; a French registration without a scheme is one of both.
    """
    in_france = party.address.country == "FR" or (party.vat or "").startswith("FR")
    for each in (party.legal_id, *party.ids):
        if each is not None and (each.scheme in {SIREN, SIRET} or (_bare(each, party) and in_france)):
            number = account(each.id)
            whole = len(number) == SIRET_DIGITS or each.scheme == SIRET
            yield number, identity.passes(siret.validate if whole else siren.validate, number)


def _bare(identifier: Identifier, party: TradeParty) -> bool:
    length = len(account(identifier.id))
    return (
        identifier is party.legal_id
        and identifier.scheme is None
        and account(identifier.id).isdecimal()
        and length in {SIREN_DIGITS, SIRET_DIGITS}
    )


def siren_numbers(party: TradeParty) -> frozenset[str]:
    """Gives the SIREN numbers of a party that add up, out of its registrations and its VAT number."""
    found = {number[:SIREN_DIGITS] for number, right in french_numbers(party) if right}
    return frozenset(found | siren_of_vat(party.vat))


def right_sirens(numbers: Iterable[str]) -> set[str]:
    """Keeps the SIREN numbers that add up."""
    return {number for number in numbers if identity.passes(siren.validate, number)}


def siren_of_vat(vat: str | None) -> set[str]:
    """Gives the SIREN inside a French VAT number; Monaco's hold none."""
    if vat is None or not vat.startswith("FR") or not is_vat(vat):
        return set()
    return {vat[4:]} if vat[4:].isdecimal() and not vat.startswith("000", 4) else set()


def doubts(party: TradeParty, role: str) -> Iterator[str]:
    """Says which numbers of a party cannot be right."""
    for number, right in french_numbers(party):
        if not right:
            kind = "SIRET" if len(number) == SIRET_DIGITS else "SIREN"
            yield f"{role}: {kind} {shown(number)} does not add up; it is not used"
    if party.vat is not None and not is_vat(party.vat):
        yield f"{role}: VAT number {shown(party.vat)} does not add up; it is not used"
    several = siren_numbers(party)
    if len(several) > 1:
        yield f"{role}: SIREN {' and '.join(sorted(several))} are stated; one of them is wrong"


def accounts_of(creditor: Creditor) -> frozenset[str]:
    """Gives the accounts of a creditor that are on file, normalised."""
    ours = (creditor.iban, *(bank.account for bank in creditor.banks))
    return frozenset(account(one) for one in ours if one)


def doubtful_accounts(invoice: EInvoice, creditor: Creditor) -> Iterator[str]:
    """Says which accounts in an invoice are no IBAN, or not the creditor's on file."""
    for number in invoice.ibans:
        if number not in accounts_of(creditor):
            right = identity.passes(identity.iban_adds_up, number)
            why = f"not on file for {creditor.id}" if right else "not an IBAN, its check digits do not add up"
            yield f"account {shown(number)} (BT-84) is {why}: it is not printed"


def other_name(buyer: TradeParty, debtor: Debtor) -> Iterator[str]:
    """Says where the buyer is called otherwise than the debtor on file, legal forms apart."""
    if _core(buyer.name) != _core(debtor.legal_name):
        on_file = f"{shown(debtor.legal_name)} on file ({debtor.id})"
        yield f"buyer {shown(buyer.name)} is {on_file}; check which is right"


def _core(name: str) -> list[str]:
    words = folded(name).split()
    return [word for word in words if word not in LEGAL_FORMS] or words
