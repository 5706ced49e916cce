"""When money is booked by itself, when it goes on account, and when a person is asked."""

from typing import Any

import pytest

from correspondence.payment_code import creditor_reference
from domain.matching import propose
from domain.openitems import Directory, Recorded
from domain.reasons import EXPLAINED, Reason, explain_reason
from domain.receivable import Allowance, EarlyDiscount, Tolerance
from tests.domain.build import day
from tests.matching.build import ATELIER, VERGER, books, entry, given, item, payer, proposed, recorded

MESSAGE = creditor_reference("RELA1B2C3D4E5F6")
ONE = item("FA-2026-0412")
RF = creditor_reference("FA-2026-0412")


@pytest.mark.parametrize(
    "facts",
    [
        {"references": (RF,)},
        {"references": (" ".join((RF[:4], RF[4:8], RF[8:12], RF[12:])),)},
        {"end_to_end": RF},
        {"documents": ("FA-2026-0412",)},
        {"text": f"VIR SEPA {RF} MERCI"},
        {"text": "FACTURE FA-2026-0412"},
        {"text": "fa 2026 0412"},
        {"text": "FA20260412"},
        {"text": "votre facture n° FA/2026/0412 du 05/10/2026"},
        {"text": "REF:FA-2026-0412;100,00 EUR"},
    ],
)
def test_what_names_one_invoice_for_certain_is_booked(facts: dict[str, Any]) -> None:
    """A right reference, or the whole number in any spelling, is booked when the amount is what is open."""
    proposal = proposed(entry(**facts), ONE, item("FA-2026-0413", "atelier", "250.00"))
    assert proposal.decision == "book"
    assert given(proposal) == {"FA-2026-0412": "100.00"}
    assert proposal.candidates == (proposal.booking,)


@pytest.mark.parametrize(
    "text",
    ["2026-0412", "20260412 FACT", "FACT N 2026 0412", "FAC 2026-412", "FA-2026-412", "FACTURE20260412"],
)
def test_a_loose_number_needs_a_payer_who_is_the_debtor(text: str) -> None:
    """Without its prefix or its zeros a number is booked from its debtor's account, not from a stranger's."""
    known = proposed(entry(text=text, payer_account=VERGER), ONE)
    assert given(known) == {"FA-2026-0412": "100.00"}
    stranger = proposed(entry(text=text, payer="Holding Martin"), ONE)
    assert stranger.decision == "ask"
    assert stranger.candidates[0].allocations[0].invoice == "FA-2026-0412"


def test_a_reference_with_wrong_check_digits_is_no_reference() -> None:
    """RF with check digits that do not match books nothing by itself."""
    assert proposed(entry(references=("RF00FA20260412",)), ONE).decision == "ask"


def test_a_printed_reference_is_as_good_as_rf() -> None:
    """The reference printed on one invoice alone names it, with or without its signs."""
    printed = item("F-1", reference="+++090/9337/55493+++")
    assert given(proposed(entry(references=("090933755493",)), printed)) == {"F-1": "100.00"}
    assert given(proposed(entry(text="+++090/9337/55493+++"), printed)) == {"F-1": "100.00"}


def test_a_reference_on_several_invoices_tells_only_the_debtor() -> None:
    """A customer's number as reference puts money on account, unless one set of invoices gives the amount."""
    items = (item("F-1", reference="CUST-77001"), item("F-2", amount="70.00", reference="CUST-77001"))
    assert proposed(entry("31.00", references=("CUST-77001",)), *items).decision == "on_account"
    assert given(proposed(entry("70.00", references=("CUST-77001",)), *items)) == {"F-2": "70.00"}


def test_a_message_about_several_invoices_is_paid_under_its_own_reference() -> None:
    """The reference of a reminder books the sum of the invoices that it asked for."""
    asked: dict[str, Any] = {"asked_under": (MESSAGE,)}
    items = (item("F-1", **asked), item("F-2", amount="70.00", **asked), item("F-3", amount="50.00"))
    proposal = proposed(entry("170.00", references=(MESSAGE,)), *items)
    assert given(proposal) == {"F-1": "100.00", "F-2": "70.00"}


# Several, parts, differences


def test_one_payment_for_several_invoices_is_booked_by_their_sum() -> None:
    """Numbers listed in any way are booked together when the amount is their sum, shortened ones too."""
    items = (ONE, item("FA-2026-0415", amount="70.00"), item("FA-2026-0419", amount="30.50"))
    for text in (
        "FA-2026-0412 FA-2026-0415 FA-2026-0419",
        "FACT FA-2026-0412, 415 + 0419",
        "FA-2026-0412/0415/0419",
    ):
        assert len(given(proposed(entry("200.50", text, payer_account=VERGER), *items))) == 3, text


def test_less_than_several_invoices_ask_for_is_given_to_none() -> None:
    """Which of the invoices named is paid in part, nobody knows: the money goes on account."""
    proposal = proposed(
        entry("150.00", "FA-2026-0412 FA-2026-0415", payer_account=VERGER),
        ONE,
        item("FA-2026-0415", amount="70.00"),
    )
    assert proposal.decision == "on_account"
    assert given(proposal) == {}


def test_a_part_is_booked_for_a_payer_who_is_the_debtor() -> None:
    """A part of an invoice that a text names is booked from the debtor's account, not from a stranger's."""
    assert given(proposed(entry("40.00", "FA-2026-0412", payer_account=VERGER), ONE)) == {
        "FA-2026-0412": "40.00"
    }
    assert proposed(entry("40.00", "FA-2026-0412"), ONE).decision == "ask"
    assert given(proposed(entry("40.00", references=(RF,)), ONE)) == {"FA-2026-0412": "40.00"}


def test_a_part_that_is_exactly_another_invoice_is_not_booked() -> None:
    """A number with the amount of another invoice contradicts itself."""
    proposal = proposed(entry("40.00", references=(RF,)), ONE, item("FA-2026-0500", amount="40.00"))
    assert proposal.decision == "on_account"
    assert proposal.doubts == (Reason.ELSEWHERE,)


def test_too_much_pays_what_is_open_and_leaves_the_rest_on_account() -> None:
    """An overpayment settles the invoice named and leaves the rest to the debtor."""
    proposal = proposed(entry("130.00", "FA-2026-0412", payer_account=VERGER), ONE)
    assert proposal.decision == "on_account"
    assert given(proposal) == {"FA-2026-0412": "100.00"}
    assert proposal.booking is not None
    assert str(proposal.booking.left) == "30.00"


@pytest.mark.parametrize(
    ("amount", "allowed", "left"), [("99.96", "0.04", "0.00"), ("100.05", "0.00", "0.05")]
)
def test_a_slip_of_cents_settles(amount: str, allowed: str, left: str) -> None:
    """A few cents too few are let go, a few too many stay on account."""
    proposal = proposed(entry(amount, "FA-2026-0412"), ONE)
    assert proposal.decision == "book"
    assert proposal.booking is not None
    assert (str(proposal.booking.allocations[0].allowed), str(proposal.booking.left)) == (allowed, left)


OFFER: dict[str, Any] = {
    "discounts": (EarlyDiscount(percent="2", until=day("2026-11-10")),),
    "amount": "500.00",
}


def test_a_discount_in_time_is_let_go() -> None:
    """A discount taken up to three days after its end settles the invoice."""
    proposal = proposed(entry("490.00", "FA-2026-0412"), item("FA-2026-0412", **OFFER))
    assert proposal.booking is not None
    part = proposal.booking.allocations[0]
    assert (str(part.allowed), part.allowance) == ("10.00", Allowance.DISCOUNT)


def test_a_discount_too_late_is_a_part() -> None:
    """A discount taken later leaves the invoice open, and from abroad it is not taken for charges."""
    late = entry("490.00", "FA-2026-0412", payer_account=VERGER, booked_on=day("2026-11-14"))
    assert given(proposed(late, item("FA-2026-0412", **OFFER))) == {"FA-2026-0412": "490.00"}
    abroad = late.model_copy(
        update={"payer_account": "CH9300762011623852957", "payer": "Le Verger du Sud SARL"}
    )
    assert proposed(abroad, item("FA-2026-0412", **OFFER)).decision == "on_account"


def test_charges_are_let_go_only_where_banks_could_keep_them() -> None:
    """Ten euros are charges from a foreign account or when the text says so; at home they are still owed."""
    named = {"text": "FA-2026-0412", "payer": "Le Verger du Sud SARL"}
    abroad = proposed(
        entry("492.37", payer_account="US12345678901234567", **named), item("FA-2026-0412", amount="500.00")
    )
    assert abroad.booking is not None
    assert abroad.booking.allocations[0].allowance is Allowance.CHARGES
    told = proposed(
        entry("492.37", "FA-2026-0412 MOINS FRAIS", payer_account=VERGER),
        item("FA-2026-0412", amount="500.00"),
    )
    assert told.booking is not None
    assert str(told.booking.allocations[0].allowed) == "7.63"
    home = proposed(entry("492.37", payer_account=VERGER, **named), item("FA-2026-0412", amount="500.00"))
    assert home.booking is not None
    assert str(home.booking.allocations[0].allowed) == "0.00"


def test_maturities_are_paid_the_oldest_first() -> None:
    """Money for a document falls to its first maturity; the amount of a later one is asked about."""
    parts = [
        item("F-7001/1", amount="50.00", document="F-7001"),
        item("F-7001/2", amount="80.00", document="F-7001", due_date=day("2026-12-05")),
    ]
    assert given(proposed(entry("50.00", "F-7001", payer_account=VERGER), *parts)) == {"F-7001/1": "50.00"}
    assert given(proposed(entry("130.00", "F-7001"), *parts)) == {"F-7001/1": "50.00", "F-7001/2": "80.00"}
    assert given(proposed(entry("80.00", "F-7001/2", payer_account=VERGER), *parts)) == {"F-7001/2": "80.00"}
    assert proposed(entry("80.00", "F-7001", payer_account=VERGER), *parts).decision == "on_account"


# A payer who is certain, and nothing named


@pytest.mark.parametrize(
    "who", [{"payer_account": VERGER}, {"payer": "LE VERGER DU SUD SARL"}, {"payer": "SARL Verger Sud"}]
)
def test_a_certain_payer_pays_what_alone_gives_the_amount(who: dict[str, str]) -> None:
    """From a known account or under the full legal name, the one set of invoices of the amount is booked."""
    items = (item("F-1"), item("F-2", amount="70.00"), item("F-3", amount="33.30"))
    assert given(proposed(entry("70.00", "VIREMENT", **who), *items)) == {"F-2": "70.00"}
    assert given(proposed(entry("133.30", "VIREMENT", **who), *items)) == {"F-1": "100.00", "F-3": "33.30"}
    assert len(given(proposed(entry("203.30", "VIREMENT", **who), *items))) == 3


def test_two_invoices_of_one_amount_leave_the_money_on_account() -> None:
    """Where two invoices would explain the amount, none is chosen; both are candidates."""
    proposal = proposed(entry("100.00", "VIREMENT", payer_account=VERGER), item("F-1"), item("F-2"))
    assert proposal.decision == "on_account"
    assert given(proposal) == {}
    assert {one.allocations[0].invoice for one in proposal.candidates[:2]} == {"F-1", "F-2"}


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("ACOMPTE COMMANDE", Reason.ADVANCE),
        ("FACTURE 88123", Reason.NOT_IN_BOOKS),
        ("FA-2026-9999", Reason.NOT_IN_BOOKS),
        ("RF18539007547034", Reason.NOT_IN_BOOKS),
    ],
)
def test_what_the_text_says_otherwise_keeps_the_amount_from_deciding(text: str, doubt: Reason) -> None:
    """An advance, or a number that is not in the books, goes on account whatever invoice has the amount."""
    where = {"references": (text,)} if text.startswith("RF") else {"text": text}
    proposal = proposed(entry("100.00", payer_account=VERGER, **where), ONE)
    assert (proposal.decision, proposal.doubts) == ("on_account", (doubt,))


def test_an_account_that_pays_for_two_debtors_makes_none_certain() -> None:
    """A group's account tells nothing alone; with a name or a number it agrees."""
    group = (
        payer("verger", "Le Verger du Sud SARL", VERGER),
        payer("atelier", "Atelier Béranger SAS", VERGER),
    )
    assert proposed(entry("100.00", "VIREMENT", payer_account=VERGER), ONE, payers=group).decision == "ask"
    named = entry("100.00", "VIREMENT", payer_account=VERGER, payer="LE VERGER DU SUD SARL")
    assert proposed(named, ONE, payers=group).decision == "book"


def test_the_siren_of_the_payer_makes_it_certain() -> None:
    """A SIREN in the text stands for the debtor that has it."""
    known = (payer("verger", "Le Verger du Sud SARL", siren="732829320"),)
    assert proposed(entry("100.00", "SIREN 732829320"), ONE, payers=known).decision == "book"


# What speaks against


def test_a_number_of_another_debtor_than_the_account_is_asked() -> None:
    """An invoice named from an account that is known as another debtor's is asked about, by reference too."""
    for facts in ({"text": "FA-2026-0412"}, {"references": (RF,)}):
        proposal = proposed(entry(payer_account=ATELIER, **facts), ONE)
        assert (proposal.decision, proposal.doubts) == ("ask", (Reason.OTHER_ACCOUNT,))
        assert proposal.candidates[0].debtor == "verger"


def test_a_number_from_somebody_called_like_another_debtor_is_asked() -> None:
    """An invoice paid under the full legal name of another debtor is asked about."""
    proposal = proposed(entry(text="FA-2026-0412", payer="ATELIER BERANGER SAS"), ONE)
    assert (proposal.decision, proposal.doubts) == ("ask", (Reason.OTHER_NAME,))


def test_numbers_of_two_debtors_are_asked() -> None:
    """One payment that names invoices of two debtors is asked about."""
    other = item("FA-2026-0500", "atelier", "40.00")
    proposal = proposed(entry("140.00", "FA-2026-0412 FA-2026-0500"), ONE, other)
    assert (proposal.decision, proposal.doubts) == ("ask", (Reason.TWO_DEBTORS,))


def test_another_currency_is_never_allocated() -> None:
    """Dollars for an invoice in euros go on the debtor's account, or to a person."""
    dollars = {"currency": "USD", "text": "FA-2026-0412"}
    assert proposed(entry("100.00", payer_account=VERGER, **dollars), ONE).decision == "on_account"
    assert given(proposed(entry("100.00", payer_account=VERGER, **dollars), ONE)) == {}
    assert proposed(entry("100.00", **dollars), ONE).decision == "ask"


def test_a_number_one_slip_from_another_of_that_amount_is_asked() -> None:
    """Two open invoices of one amount, a digit apart: a person decides which was meant."""
    twin = item("FA-2026-0421", "atelier")
    assert proposed(entry(text="FA-2026-0412"), ONE, twin).decision == "ask"
    assert proposed(entry(references=(RF,)), ONE, twin).decision == "book"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("20261112", "VIREMENT DU 12/11/2026"),
        ("20261112", "REGLEMENT 2026-11-12"),
        ("10000", "100,00 EUR"),
        ("10000", "MONTANT 100.00"),
        ("33000", "33000 BORDEAUX"),
        ("411007", "CLIENT 411007"),
        ("4471", "CDE 4471"),
        ("12", "LOT 12 BAT 3"),
        ("F-12", "AVENUE F 12"),
        ("2026-0412", "BC-2026-0412"),
        ("FA-2026-0412", "AVOIR AV-2026-0412"),
    ],
)
def test_what_looks_like_a_number_and_is_none_books_nothing(number: str, text: str) -> None:
    """A day, an amount, a postcode, a customer, an order: none names an invoice, whatever the amount."""
    assert proposed(entry("100.00", text), item(number)).decision == "ask"


def test_one_number_under_two_prefixes_is_none() -> None:
    """Digits that two series share name neither, unless the payer has only one of them."""
    series = (item("FA-2026-0412"), item("FB-2026-0412", "atelier"))
    assert proposed(entry(text="FACTURE 2026-0412"), *series).decision == "ask"
    known = proposed(entry(text="FACTURE 2026-0412", payer_account=VERGER), *series)
    assert given(known) == {"FA-2026-0412": "100.00"}


def test_a_number_that_the_bank_may_have_cut_is_not_certain() -> None:
    """F-104 at the end of a long text may be F-1041: a stranger's is asked about."""
    text = "VOTRE FACTURE DU MOIS F-1044"
    assert proposed(entry(text=text), item("F-1044"), item("F-10441", "atelier", "55.00")).decision == "ask"


def test_a_parent_that_pays_under_the_number_is_booked() -> None:
    """Whoever pays the exact amount of a number in full pays that invoice, if nothing speaks against it."""
    assert proposed(entry(text="FA-2026-0412", payer="Groupe Horizon"), ONE).decision == "book"


# What is settled, and what is on record


@pytest.mark.parametrize("facts", [{"references": (RF,)}, {"text": "FA-2026-0412"}, {"text": "2026-0412"}])
def test_a_second_payment_never_goes_to_the_settled_invoice(facts: dict[str, Any]) -> None:
    """What is paid again, under the same words, goes on account, also if another invoice has the amount."""
    settled = item("FA-2026-0412", closed=True)
    proposal = proposed(entry(payer_account=VERGER, **facts), settled, item("FA-2026-0600"))
    assert proposal.decision == "on_account"
    assert given(proposal) == {}


def test_the_second_of_two_equal_entries_goes_on_account() -> None:
    """Once the first is booked, the same entry again finds the invoice settled."""
    directory = books(ONE)
    again = entry(text="FA-2026-0412", payer_account=VERGER)
    first = propose(again, directory, Tolerance())
    assert first.booking is not None
    directory.booked(first.booking.allocations)
    second = propose(again, directory, Tolerance())
    assert (first.decision, second.decision) == ("book", "on_account")
    assert given(second) == {}


def test_money_on_record_is_the_same_money() -> None:
    """A payment typed in two days before, for the invoice or from the debtor, is recognised once."""
    settled = item("FA-2026-0412", closed=True)
    for invoices in (("FA-2026-0412",), ()):
        proposal = proposed(
            entry(text="FA-2026-0412", payer_account=VERGER),
            settled,
            records=[recorded("ERP-1", invoices=invoices)],
        )
        assert proposal.decision == "same"
        assert proposal.candidates[0].recorded == "ERP-1"


def test_money_on_record_is_linked_once() -> None:
    """Once it is linked, an equal entry is money of its own."""
    record = recorded("ERP-1", invoices=("FA-2026-0412",))
    directory = books(item("FA-2026-0412", closed=True), records=[record])
    directory.linked(record)
    assert (
        propose(entry(text="FA-2026-0412", payer_account=VERGER), directory, Tolerance()).decision
        == "on_account"
    )


@pytest.mark.parametrize(
    "more",
    [
        {"records": [recorded("ERP-1"), recorded("ERP-2")]},
        {"records": [recorded("ERP-1", invoices=("F-1",))]},
    ],
)
def test_money_that_may_be_on_record_is_asked(more: dict[str, Any]) -> None:
    """Two payments on record, or an open invoice of that amount beside one: a person decides."""
    proposal = proposed(
        entry("100.00", "VIREMENT", payer_account=VERGER), item("F-1", closed=True), item("F-2"), **more
    )
    assert proposal.decision == "ask"
    assert proposal.candidates[0].recorded == "ERP-1"


@pytest.mark.parametrize(
    "record",
    [
        recorded("ERP-1", amount="99.00"),
        recorded("ERP-1", currency="USD"),
        recorded("ERP-1", received_on=day("2026-11-01")),
        recorded("ERP-1", "atelier"),
        recorded("ERP-1", invoices=("FA-2026-0777",)),
    ],
)
def test_other_money_on_record_changes_nothing(record: Recorded) -> None:
    """Another amount, currency, time, debtor or invoice is another payment."""
    proposal = proposed(entry(text="FA-2026-0412", payer_account=VERGER), ONE, records=[record])
    assert proposal.decision == "book"


# What is not for an invoice


def test_money_that_went_out_is_not_ours() -> None:
    """Fees and salaries are nobody's payment, even where their text names an invoice."""
    assert proposed(entry(text="FA-2026-0412", credit=False), ONE).decision == "not_ours"


@pytest.mark.parametrize(
    "facts",
    [{"returned": "AC04", "credit": False}, {"reversal": True}, {"text": "PRLV IMPAYE", "credit": False}],
)
def test_what_takes_a_movement_back_is_never_booked(facts: dict[str, Any]) -> None:
    """A return or a reversal is asked about here: another question finds what it takes back."""
    assert proposed(entry(**facts), ONE).doubts == (Reason.CAME_BACK,)


def test_unknown_money_is_asked_without_candidates() -> None:
    """Money that nothing connects with the books waits for a person."""
    proposal = proposed(entry("17.31", "INTERETS CREDITEURS"), ONE)
    assert (proposal.decision, proposal.candidates, proposal.doubts) == ("ask", (), (Reason.NO_TRACE,))


def test_a_typing_slip_is_a_candidate() -> None:
    """A number one slip away from an open invoice of the amount is ranked first, and asked."""
    proposal = proposed(entry(text="FA-2026-0142"), ONE, item("FA-2026-0999", "atelier"))
    assert proposal.decision == "ask"
    assert proposal.candidates[0].allocations[0].invoice == "FA-2026-0412"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained(reason: Reason) -> None:
    """Each reason has a sentence in English and French, without blanks; English stands in for others."""
    for language in ("en", "fr", "de"):
        said = explain_reason(reason, ["F-1"], "verger", language)
        assert said
        assert "{" not in said
    assert EXPLAINED["en"][reason] != EXPLAINED["fr"][reason]
    assert EXPLAINED["en"].keys() == EXPLAINED["fr"].keys()


def test_an_empty_directory_answers() -> None:
    """Without any books, money is asked about."""
    assert propose(entry(text="FA-2026-0412"), Directory((), ()), Tolerance()).decision == "ask"
