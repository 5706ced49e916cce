"""Whose electronic invoices are: the creditor, the debtor, and what is warned of in both."""

from collections.abc import Callable

import pytest

from domain.events import DebtorRegistered, InvoiceCreated
from domain.receivable import BankSource, Creditor, Debtor
from tests.readers_einvoice.meaning import invoice_of, only, refused, understood
from tests.readers_einvoice.samples import (
    BUYER_SIREN,
    BUYER_VAT,
    CII_BUYER,
    CII_SELLER,
    CREDITOR,
    DEBTOR,
    IBAN,
    SELLER_SIREN,
    UBL_BUYER,
    UBL_SELLER,
    cii,
    cii_means,
    tag,
    ubl,
    ubl_means,
)

OTHER = Creditor.model_validate(
    CREDITOR.model_dump()
    | {"id": "phare", "legal_name": "Le Phare SA", "siren": "356000000", "vat": None, "iban": None}
)
NAMELESS = '<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">'
UNKNOWN_BUYER = CII_BUYER.replace(BUYER_SIREN, "552100554").replace("FR 83 404 833 048", "FR96552100554")

Sample = Callable[..., bytes]


def without_numbers(party: str) -> str:
    """Takes the registration and the VAT number out of a party in CII."""
    for number in (SELLER_SIREN, "FR44732829320", BUYER_SIREN, "FR 83 404 833 048", f"{SELLER_SIREN}00074"):
        party = party.replace(f">{number}<", "><")
    return party


# The creditor


def test_the_creditor_is_found_by_number_account_or_name() -> None:
    """The seller is ours by SIREN or VAT number, else by its account, else by its legal name."""
    bare = without_numbers(CII_SELLER)
    stranger = bare.replace("Ateliers de la Marée SAS", "Marée")
    both = (OTHER, CREDITOR)
    assert invoice_of(cii(seller=CII_SELLER.replace("Ateliers", "X")), creditors=both).creditor == "maree"
    assert invoice_of(cii(seller=stranger), creditors=both).creditor == "maree"
    assert invoice_of(cii(seller=bare, means=cii_means("30")), creditors=both).creditor == "maree"
    assert "none of the creditors" in refused(cii(seller=stranger, means=""), creditors=both).remedy


@pytest.mark.parametrize("old", [f'schemeID="0002">{SELLER_SIREN}00074', f">{SELLER_SIREN}"])
def test_old_ways_of_writing_a_registration_are_read(old: str) -> None:
    """A SIRET under the scheme of SIREN, and a French registration without a scheme, name the company."""
    seller = UBL_SELLER.replace("FR44732829320", "").replace(f'schemeID="0002">{SELLER_SIREN}', old)
    seller = seller.replace("Ateliers", "X").replace(" >", ">")
    assert invoice_of(ubl(seller=seller, means=ubl_means())).creditor == "maree"


def test_a_known_other_number_is_another_company() -> None:
    """Our name and our account under another SIREN are not ours: what the file says is told."""
    seller = without_numbers(CII_SELLER).replace(f"{NAMELESS}<", f"{NAMELESS}552100554<")
    refusal = refused(cii(seller=seller))
    assert "552100554" in str(refusal.value)
    assert IBAN in str(refusal.value)


def test_an_ambiguous_seller_is_refused() -> None:
    """Two creditors of one name and account cannot be told apart without a number."""
    twin = CREDITOR.model_copy(update={"id": "maree-2", "siren": None, "vat": None})
    again = CREDITOR.model_copy(update={"siren": None, "vat": None})
    seller = without_numbers(CII_SELLER)
    assert "maree, maree-2" in refused(cii(seller=seller), creditors=(again, twin)).remedy


def test_an_invoice_to_pay_is_refused() -> None:
    """An invoice of a stranger to our creditor is to be paid, not collected."""
    buyer = CII_BUYER.replace(BUYER_SIREN, OTHER.siren or "").replace("FR 83 404 833 048", "")
    assert "to pay, not to collect" in refused(cii(buyer=buyer), creditors=(OTHER,)).remedy
    assert invoice_of(cii(buyer=buyer), creditors=(OTHER, CREDITOR)).creditor == "maree"


# The debtor


@pytest.mark.parametrize(
    "debtor",
    [
        {"id": "v", "legal_name": "Verger", "siren": BUYER_SIREN},
        {"id": "v", "legal_name": "Verger", "vat": BUYER_VAT},
        {"id": BUYER_SIREN, "legal_name": "Verger"},
        {"id": "C-0042", "legal_name": "Verger"},
        {"id": "v", "legal_name": "LE VERGER DU SUD, SARL"},
    ],
)
def test_the_debtor_is_found_by_number_customer_id_or_name(debtor: dict[str, str]) -> None:
    """The buyer is known by SIREN or VAT number, else by our customer id, else by its legal name."""
    known = Debtor.model_validate({"creditor": "maree"} | debtor)
    others = (
        Debtor(creditor="phare", id="x", legal_name="Le Verger du Sud SARL", siren=BUYER_SIREN),
        Debtor(creditor="maree", id="y", legal_name="Verger du Nord"),
    )
    event = only(cii(), debtors=(*others, known))
    assert isinstance(event, InvoiceCreated)
    assert event.debtor == debtor["id"]


def test_branches_of_one_company_are_told_apart_by_customer_id() -> None:
    """Several debtors of one SIREN are told apart by our customer id; without it the invoice is refused."""
    one = DEBTOR.model_copy(update={"id": "C-0041", "legal_name": "Verger"})
    two = DEBTOR.model_copy(update={"id": "C-0042", "legal_name": "Verger"})
    assert invoice_of(cii(), debtors=(one, two)).debtor == "C-0042"
    buyer = CII_BUYER.replace("<ram:ID>C-0042</ram:ID>", "")
    assert "C-0041, C-0042" in refused(cii(buyer=buyer), debtors=(one, two)).remedy


def test_a_customer_id_of_another_company_is_refused() -> None:
    """Our customer id with the SIREN of another company is refused: one of the two is wrong."""
    wrong = DEBTOR.model_copy(update={"id": "C-0042", "siren": "552100554"})
    assert "C-0042" in refused(cii(), debtors=(wrong,)).remedy


def test_an_unknown_buyer_is_registered_first() -> None:
    """An unknown buyer becomes a debtor under its SIREN, with contact and address, which is said."""
    found = understood(cii(), debtors=())
    registered, created = found.events
    assert registered == DebtorRegistered(
        debtor=Debtor(
            creditor="maree",
            id=BUYER_SIREN,
            legal_name="Le Verger du Sud SARL",
            siren=BUYER_SIREN,
            vat=BUYER_VAT,
            address={"lines": ("4 rue des Oliviers",), "postcode": "13001", "city": "Marseille"},
            contacts=({"name": "Service comptabilité", "email": "factures@verger.example"},),
        )
    )
    assert isinstance(created, InvoiceCreated)
    assert created.debtor == BUYER_SIREN
    assert any("is new" in note for note in found.notes)
    assert only(cii(), debtors=(registered.debtor,)) == created


def new_debtor(buyer: str, *known: Debtor, sample: Sample = cii) -> tuple[Debtor, tuple[str, ...]]:
    """Gives the debtor that is registered for a buyer, and the warnings."""
    found = understood(sample(buyer=buyer), debtors=known)
    registered = found.events[0]
    assert isinstance(registered, DebtorRegistered)
    return registered.debtor, found.warnings


def test_a_buyer_without_a_number_gets_a_key_of_its_name() -> None:
    """Without a SIREN the id is made of the name; of another company with that id, it is told apart."""
    buyer = without_numbers(CII_BUYER)
    first, _ = new_debtor(buyer)
    assert first.id == "le-verger-du-sud-sarl"
    other = first.model_copy(update={"legal_name": "Verger"})
    second, _ = new_debtor(buyer, other)
    assert second.id.startswith("le-verger-du-sud-sarl-")
    third, _ = new_debtor(buyer.replace("Le Verger du Sud SARL", "株式会社"))
    assert third.id.startswith("buyer-")
    homonym = DEBTOR.model_copy(update={"siren": "552100554"})
    assert new_debtor(CII_BUYER, homonym)[0].id == BUYER_SIREN


def test_numbers_that_do_not_add_up_are_left_out_with_a_warning() -> None:
    """A wrong SIREN, VAT number or e-mail address is warned of with its reason, and not recorded."""
    buyer = CII_BUYER.replace(BUYER_SIREN, "987654321").replace("83 404 833 048", "05 987 654 321")
    debtor, warnings = new_debtor(buyer.replace("factures@verger.example", "factures"))
    assert (debtor.id, debtor.siren, debtor.vat) == ("le-verger-du-sud-sarl", None, None)
    assert debtor.contacts == ()
    said = " | ".join(warnings)
    for words in ("SIREN 987654321", "VAT number FR05987654321", "e-mail address", "add a contact"):
        assert words in said


def test_la_poste_has_its_own_rule() -> None:
    """La Poste's SIRETs add up by their sum of digits; others and wrong ones do not."""
    for siret, right in (("35600000049837", True), ("35600000000048", True), ("35600000012345", False)):
        buyer = UBL_BUYER.replace(f'schemeID="0002">{BUYER_SIREN}', f'schemeID="0009">{siret}')
        buyer = buyer.replace(BUYER_VAT, "FR39356000000").replace(f'"0225">{BUYER_SIREN}', '"0225">356000000')
        debtor, warnings = new_debtor(buyer, sample=ubl)
        assert debtor.siren == "356000000"
        assert any(siret in warning for warning in warnings) is not right


def test_two_different_registrations_are_warned_of() -> None:
    """A SIREN and a VAT number of two companies are both right and cannot both be: neither is recorded."""
    debtor, warnings = new_debtor(CII_BUYER.replace(BUYER_SIREN, "552100554"))
    assert debtor.siren is None
    assert any("one of them is wrong" in warning for warning in warnings)


def test_a_foreign_buyer_is_written_to_in_english() -> None:
    """A buyer abroad keeps its country and its VAT number, and is written to in English."""
    buyer = without_numbers(CII_BUYER).replace(">FR<", ">BE<").replace('VA"><', 'VA">BE0403170701<')
    debtor, _ = new_debtor(buyer)
    assert (debtor.country, debtor.language, debtor.vat) == ("BE", "en", "BE0403170701")


def test_a_bare_buyer_is_registered_with_warnings() -> None:
    """A name alone makes a debtor that nobody can write to, which is said."""
    debtor, warnings = new_debtor(tag("ram:BuyerTradeParty", tag("ram:Name", "Le Verger du Sud SARL")))
    assert (debtor.address, debtor.contacts, debtor.country) == (None, (), "FR")
    assert len(warnings) == 2


def test_an_electronic_address_serves_as_e_mail() -> None:
    """Where no contact is given, an electronic address that is an e-mail address serves."""
    uri = '<ram:URIUniversalCommunication><ram:URIID schemeID="EM">ap@verger.example</ram:URIID>'
    inside = tag("ram:Name", "Le Verger") + uri + "</ram:URIUniversalCommunication>"
    assert new_debtor(tag("ram:BuyerTradeParty", inside))[0].emails == ("ap@verger.example",)


# Warnings


def test_an_account_that_is_not_on_file_is_not_printed() -> None:
    """An IBAN that is not the creditor's on file is warned of, and so is one that is none."""
    bank = BankSource(key="b", account="BE68 5390 0754 7034")
    ours = CREDITOR.model_copy(update={"banks": (bank,)})
    stated = cii_means("30", IBAN, "BE68539007547034", "NL57 RABO 0107307510", "A")
    warnings = understood(cii(means=stated), creditors=(ours,)).warnings
    assert [warning.split()[1] for warning in warnings] == ["NL57RABO0107307510", "A"]
    assert "not on file" in warnings[0]
    assert "check digits" in warnings[1]
    assert all("not printed" in warning for warning in warnings)


def test_another_name_than_on_file_is_warned_of() -> None:
    """A buyer called otherwise than on file is warned of; legal forms and accents are no difference."""
    known = DEBTOR.model_copy(update={"legal_name": "Vergers de Provence"})
    assert "Vergers de Provence" in understood(cii(), debtors=(known,)).warnings[0]
    known = DEBTOR.model_copy(update={"legal_name": "LE VERGER DU SUD"})
    assert understood(cii(), debtors=(known,)).warnings == ()


def test_an_unknown_buyer_of_another_number_is_new() -> None:
    """A buyer whose name is on file under another SIREN is another company."""
    debtor, _ = new_debtor(UNKNOWN_BUYER.replace("<ram:ID>C-0042</ram:ID>", ""), DEBTOR)
    assert debtor.id == "552100554"


def test_an_unknown_buyer_overseas_is_written_to_in_french() -> None:
    """A SIREN is French, in the territories overseas too."""
    debtor, _ = new_debtor(CII_BUYER.replace(">FR<", ">RE<"))
    assert (debtor.country, debtor.language) == ("RE", "fr")


def test_wrong_numbers_on_record_say_nothing() -> None:
    """A number on record that does not add up makes nobody another company: the name still finds it."""
    known = DEBTOR.model_copy(update={"siren": "404833049"})
    assert invoice_of(cii(), debtors=(known,)).debtor == "verger"
