"""What is warned of and taken in all the same: terms, numbers, names and orders."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caps import Sector, TermRule
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated, PaymentsKnown
from domain.receivable import Creditor, Debtor
from intake import identity
from intake.warnings import RULES, SENTENCES, Concern, Warned, warnings
from tests.domain import build

ACME, DUBOIS = build.creditor(), build.debtor()


class AgreedDebtor(Debtor):
    """A debtor with what was agreed with him, as the record is to have it."""

    terms_rule: TermRule | None = None
    requires_order: bool = False


class TradingCreditor(Creditor):
    """A creditor with his trade, as the record is to have it."""

    sector: Sector | None = None


def billed(due: str | None = None, issued: str = "2025-03-10", **more: Any) -> InvoiceCreated:
    """Gives an invoice of 10 March 2025."""
    facts = {"creditor": "acme", "number": "F-1", "debtor": "dubois", "total": "100.00"}
    return InvoiceCreated.model_validate(facts | {"issue_date": issued, "due_date": due} | more)


def agreed(**more: Any) -> Debtor:
    """Gives a debtor with whom something was agreed."""
    return AgreedDebtor.model_validate(DUBOIS.model_dump() | more)


def found(
    event: Any, creditor: Creditor | None = ACME, debtor: Debtor | None = DUBOIS
) -> list[tuple[Any, ...]]:
    """Lists the warnings by concern, field and rule."""
    return [(one.concern, one.field, one.rule) for one in warnings(event, creditor, debtor)]


@pytest.mark.parametrize(
    ("due", "concern", "rule"),
    [
        ("2025-05-20", Concern.TERM_ABOVE_CAP, TermRule.EOM_FIRST),
        ("2025-05-12", Concern.TERM_NEEDS_CLAUSE, TermRule.EOM_FIRST),
        ("2025-05-09", None, None),
        ("2025-04-15", None, None),
    ],
)
def test_ac_57_an_unknown_agreement(due: str, concern: Concern | None, rule: TermRule | None) -> None:
    """AC-57: beyond every reading a term is unlawful; beyond 60 days it needs a clause; within, nothing."""
    assert found(billed(due)) == ([(concern, "due_date", rule)] if concern else [])


@pytest.mark.parametrize(
    ("rule", "due", "warned"),
    [
        (TermRule.NET_60, "2025-05-10", True),
        (TermRule.NET_60, "2025-05-09", False),
        (TermRule.EOM_FIRST, "2025-05-15", False),
        (TermRule.EOM_FIRST, "2025-05-16", True),
        (TermRule.EOM_LAST, "2025-05-01", True),
        (TermRule.EOM_LAST, "2025-04-30", False),
        (TermRule.PERIODIC_45, "2025-04-24", False),
        (TermRule.PERIODIC_45, "2025-04-25", True),
        (TermRule.DEFAULT_30, "2025-04-09", False),
        (TermRule.DEFAULT_30, "2025-04-10", True),
    ],
)
def test_what_was_agreed_is_the_measure(rule: TermRule, due: str, warned: bool) -> None:  # noqa: FBT001 - a column of the table
    """Where the record says which rule was agreed, a due date is held to it alone, to the day."""
    expected = [(Concern.TERM_ABOVE_CAP, "due_date", rule)] if warned else []
    assert found(billed(due), debtor=agreed(terms_rule=rule)) == expected


def test_a_sector_is_the_measure_whatever_was_agreed() -> None:
    """Fresh meat is due 20 days after the delivery at the latest, even where 60 days were agreed."""
    butcher = TradingCreditor.model_validate(ACME.model_dump() | {"sector": "livestock"})
    known = agreed(terms_rule=TermRule.NET_60)
    event = billed("2025-04-10", delivered_on="2025-03-12")
    assert found(event, butcher, known) == [(Concern.TERM_ABOVE_CAP, "due_date", TermRule.LIVESTOCK_20)]
    (told,) = warnings(event, butcher, known)
    assert told.said() == (
        "due 2025-04-10, beyond the lawful 2025-04-01 "
        "(C. com. L441-11 II, 20 days for livestock and fresh meat)"
    )


def test_a_debtor_elsewhere_in_the_eu() -> None:
    """A Spanish debtor has 60 days; a Swiss one is not measured."""
    assert found(billed("2025-05-10"), debtor=build.debtor(country="ES")) == [
        (Concern.TERM_ABOVE_CAP, "due_date", TermRule.EU_60)
    ]
    assert found(billed("2025-12-10"), debtor=build.debtor(country="CH")) == []


def test_the_legal_default_is_told() -> None:
    """Without a due date and without any terms the legal thirty days apply, and that is said."""
    assert found(billed()) == [(Concern.LEGAL_DEFAULT, "due_date", None)]
    assert found(billed(), build.creditor(terms_days=45)) == []
    assert found(billed(terms_days=90)) == [(Concern.TERM_ABOVE_CAP, "due_date", TermRule.EOM_FIRST)]


def test_each_maturity_is_measured() -> None:
    """Of several due dates each one is held to the law, by its place."""
    parts = [{"due_date": day, "amount": "50.00"} for day in ("2025-04-10", "2025-08-10")]
    assert found(billed(maturities=parts)) == [
        (Concern.TERM_ABOVE_CAP, "maturities.1.due_date", TermRule.EOM_FIRST)
    ]


def test_an_order_that_is_missing() -> None:
    """A debtor who asks for an order number is not billed without one unseen."""
    known = agreed(requires_order=True)
    assert found(billed("2025-04-10"), debtor=known) == [(Concern.ORDER_MISSING, "order_reference", None)]
    assert found(billed("2025-04-10", order_reference="BC-1"), debtor=known) == []


@pytest.mark.parametrize(
    ("facts", "concern"),
    [
        ({"siren": "732829320"}, None),
        ({"siren": "732829321"}, Concern.SIREN),
        ({"siren": "35600000049837"}, None),
        ({"siren": "35600000000048"}, None),
        ({"siren": "356 000 000 12345"}, Concern.SIRET),
        ({"siren": "73282932000075"}, Concern.SIRET),
        ({"siren": "٧٣٢٨٢٩٣٢٠"}, Concern.SIREN),
        ({"siret": "35600000049837"}, None),
        ({"siret": "35600000012345"}, Concern.SIRET),
        ({"siren": "732829320", "siret": "732 829 320 00074"}, None),
        ({"siren": "404833048", "siret": "73282932000074"}, Concern.SIRET_OF_ANOTHER),
        ({"vat": "FR44732829320"}, None),
        ({"vat": "FRK7399859412"}, None),
        ({"vat": "FR05987654321"}, Concern.VAT),
        ({"vat": "FR45732829320"}, Concern.VAT),
        ({"vat": "DE123"}, Concern.VAT),
        ({"siren": "732829320", "vat": "FR 44 732829320"}, None),
        ({"siren": "732829320", "vat": "FR83404833048"}, Concern.VAT_OF_ANOTHER),
        ({"siren": "732829320", "vat": "BE0403019261"}, None),
    ],
)
def test_the_numbers_of_a_debtor(facts: dict[str, Any], concern: Concern | None) -> None:
    """SIREN, SIRET with the rule of La Poste, and VAT numbers are warned of, and taken in."""
    event = DebtorRegistered(debtor=build.debtor(**facts))
    identity.check(event)
    assert [one.concern for one in warnings(event, ACME, None)] == ([concern] if concern else [])


def test_another_name_than_on_record() -> None:
    """A debtor who comes under another name is pointed out; accents and case are no other name."""
    event = DebtorRegistered(debtor=build.debtor(legal_name="Dupont SARL"))
    (told,) = warnings(event, ACME, DUBOIS)
    assert told.said("fr") == "nommé Dupont SARL, mais Dubois SARL au dossier"
    same = DebtorRegistered(
        debtor=build.debtor(legal_name="DÜBOIS S.A.R.L".replace("Ü", "U").replace(".", ""))
    )
    assert warnings(same, ACME, DUBOIS) == ()


def test_the_accounts_of_a_creditor() -> None:
    """A bank source that is no IBAN, and an IBAN whose statements nobody reads, are pointed out."""
    good, bad = "FR7630006000011234567890189", "FR76 3000 6000 0112 3456 7890 188"
    event = CreditorRegistered(
        creditor=build.creditor(
            iban=good, banks=({"key": "main", "account": bad}, {"key": "b", "account": "00123"})
        )
    )
    assert found(event) == [
        (Concern.IBAN, "creditor.banks.0.account", None),
        (Concern.ACCOUNT_UNREAD, "creditor.iban", None),
    ]
    right = {"key": "main", "account": "FR76 3000 6000 0112 3456 7890 189"}
    assert found(CreditorRegistered(creditor=build.creditor(iban=good, banks=(right,)))) == []


def test_other_events_bring_no_warning() -> None:
    """Only parties and invoices are looked at."""
    assert found(PaymentsKnown(creditor="acme", as_of=build.at("2026-03-02"))) == []


def test_every_concern_has_its_words() -> None:
    """Both languages have a sentence for every concern and words for every rule."""
    for language in ("en", "fr"):
        assert set(SENTENCES[language]) == set(Concern)
        assert set(RULES[language]) == set(TermRule)
        for concern in Concern:
            assert Warned(concern=concern, field="x").said(language)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_numbers_can_be_looked_at(siren: str, vat: str) -> None:
    """Whatever stands in the numbers of a debtor, looking at them never fails."""
    event = DebtorRegistered(debtor=build.debtor(siren=siren, vat=vat))
    for one in warnings(event, ACME, DUBOIS):
        assert one.said("fr")
