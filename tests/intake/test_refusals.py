"""Every event that contradicts the record or cannot be meant names its field, its value and the remedy."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.events import EVENT, CreditNoteIssued, CreditorRegistered, DebtorRegistered, PaymentsKnown
from domain.faults import InputRefused
from intake.identity import check
from intake.readers.rows import explained
from tests.domain import build
from tests.intake.conftest import Porter


@pytest.mark.parametrize("database_kind", ["sqlite"])
class TestAgainstTheRecord:
    """Events that contradict what is on record; nothing is written."""

    async def test_an_unknown_creditor(self, porter: Porter) -> None:
        """An invoice of a creditor that was never registered is refused."""
        field, value, remedy = await porter.refusal(porter.bill(creditor="nobody"))
        assert (field, value) == ("creditor", "nobody")
        assert "creditor.registered" in remedy

    async def test_an_unknown_debtor(self, porter: Porter) -> None:
        """An invoice of a debtor that was never registered is refused."""
        field, value, remedy = await porter.refusal(porter.bill(debtor="nobody"))
        assert (field, value) == ("debtor", "nobody")
        assert "debtor.registered" in remedy

    async def test_a_debtor_of_an_unknown_creditor(self, porter: Porter) -> None:
        """A debtor of a creditor that was never registered is refused."""
        knock = porter.admit(DebtorRegistered(debtor=build.debtor(creditor="nobody")))
        assert (await porter.refusal(knock))[:2] == ("debtor.creditor", "nobody")

    async def test_an_unknown_policy(self, porter: Porter) -> None:
        """An invoice under a policy that is not on offer is refused, and the policies are named."""
        field, value, remedy = await porter.refusal(porter.bill(policy="brutal"))
        assert (field, value) == ("policy", "brutal")
        assert remedy.endswith("use one of: french-b2b, gentle, hard, seed")

    async def test_the_same_version_with_other_facts(self, porter: Porter) -> None:
        """A known number and version with another total is refused; the next version is the remedy."""
        await porter.bill()
        field, value, remedy = await porter.refusal(porter.bill(total="99.00"))
        assert (field, value) == ("version", 1)
        assert remedy.endswith("as version 2")

    async def test_an_invoice_of_another_debtor(self, porter: Porter) -> None:
        """A known number on another debtor's account is refused."""
        await porter.bill()
        assert (await porter.refusal(porter.bill(debtor="martin")))[:2] == ("debtor", "martin")

    async def test_a_version_in_another_currency(self, porter: Porter) -> None:
        """A later version does not change the currency."""
        await porter.bill()
        assert (await porter.refusal(porter.bill(currency="USD", version=2)))[:2] == ("currency", "USD")

    async def test_a_version_with_other_maturities(self, porter: Porter) -> None:
        """A later version does not split an invoice that was whole."""
        await porter.bill()
        parts = [{"due_date": f"2026-0{month}-30", "amount": "50.00"} for month in (4, 5)]
        knock = porter.bill(due=None, maturities=parts, version=2)
        assert (await porter.refusal(knock))[:2] == ("maturities", 2)

    async def test_a_payment_in_another_currency_than_its_invoice(self, porter: Porter) -> None:
        """Dollars do not pay an invoice in euros."""
        await porter.bill()
        field, value, remedy = await porter.refusal(porter.pay(invoice="F-1", currency="USD"))
        assert (field, value) == ("currency", "USD")
        assert "invoice F-1 is in EUR" in remedy

    @pytest.mark.parametrize(
        "other",
        [
            {"amount": "99.00"},
            {"received_on": "2026-03-01"},
            {"invoice": "F-2"},
            {"invoice": None, "debtor": "martin"},
        ],
    )
    async def test_a_payment_known_with_other_facts(self, porter: Porter, other: dict[str, Any]) -> None:
        """A payment's reference counts once: with another amount, day, invoice or debtor it is refused."""
        await porter.bill("F-1")
        await porter.bill("F-2")
        await porter.pay(invoice="F-1")
        assert (await porter.refusal(porter.pay(**({"invoice": "F-1"} | other))))[:2] == (
            "reference",
            "VIR-1",
        )

    async def test_a_waiting_payment_with_other_facts(self, porter: Porter) -> None:
        """A payment that waits is known too."""
        await porter.pay(invoice="F-9")
        assert (await porter.refusal(porter.pay("1.00", invoice="F-9")))[:2] == ("reference", "VIR-1")

    async def test_a_payment_on_two_accounts(self, porter: Porter) -> None:
        """One payment does not pay invoices of two debtors."""
        await porter.bill("F-1")
        await porter.bill("M-1", debtor="martin")
        parts = [{"invoice": number, "amount": "50.00"} for number in ("F-1", "M-1")]
        assert (await porter.refusal(porter.pay(allocations=parts)))[:2] == ("allocations", "F-1, M-1")
        knock = porter.pay(invoice="M-1", debtor="dubois")
        assert (await porter.refusal(knock))[:2] == ("debtor", "dubois")

    async def test_a_reversal_of_nothing(self, porter: Porter) -> None:
        """A payment that is not known cannot come back."""
        knock = porter.take("payment.reversed", reference="VIR-7")
        assert (await porter.refusal(knock))[:2] == ("reference", "VIR-7")

    async def test_a_credit_note_known_with_other_facts(self, porter: Porter) -> None:
        """A credit note's number counts once."""
        await porter.bill()
        await porter.credit(invoice="F-1")
        assert (await porter.refusal(porter.credit("9.00", invoice="F-1")))[:2] == ("number", "A-1")

    async def test_a_cancellation_of_nothing(self, porter: Porter) -> None:
        """A credit note that is not known cannot be cancelled."""
        knock = porter.take("credit_note.cancelled", number="A-7")
        assert (await porter.refusal(knock))[:2] == ("number", "A-7")

    async def test_writing_off_nothing(self, porter: Porter) -> None:
        """An invoice that is not known cannot be written off."""
        knock = porter.take("invoice.written_off", number="F-7", reason="x")
        assert (await porter.refusal(knock))[:2] == ("number", "F-7")

    async def test_a_payment_of_the_future(self, porter: Porter) -> None:
        """Money that is dated in the future ends no dunning: a wrong digit in a year is refused."""
        facts = {"amount": "10.00", "reference": "V-9", "debtor": "dubois", "received_on": "2027-03-01"}
        assert (await porter.refusal(porter.take("payment.received", **facts)))[0] == "received_on"

    async def test_payments_known_in_the_future(self, porter: Porter) -> None:
        """Nobody knows the payments of tomorrow."""
        knock = porter.admit(PaymentsKnown(creditor="acme", as_of=build.at("2026-03-03 12:00")))
        assert (await porter.refusal(knock))[0] == "as_of"


def read_and_check(facts: dict[str, Any]) -> None:
    """Reads and checks an event as intake does."""
    try:
        check(EVENT.validate_python(facts))
    except ValidationError as fault:
        raise explained(fault) from fault


def refused(facts: dict[str, Any]) -> tuple[str, object, str]:
    """Expects an event to be refused, and gives the refusal's field, value and remedy."""
    with pytest.raises(InputRefused) as refusal:
        read_and_check(facts)
    return refusal.value.field, refusal.value.value, refusal.value.remedy


INVOICE = {
    "type": "invoice.created",
    "creditor": "acme",
    "number": "F-1",
    "debtor": "dubois",
    "issue_date": "2026-03-01",
    "due_date": "2026-03-31",
    "total": "100.00",
}
MISTAKES = [
    ({"currency": "EURO"}, "currency", "EURO", "ISO 4217"),
    ({"currency": "FRF"}, "currency", "FRF", "ISO 4217"),
    ({"total": "-100.00"}, "total", "-100.00", "credit note"),
    ({"total": "0.00"}, "total", "0.00", "above 0"),
    ({"total": 100.0}, "total", "100.0", 'such as "1250.00"'),
    ({"total": "100.001"}, "total", "100.001", "two decimals"),
    ({"total": "abc"}, "total", "abc", "such as"),
    ({"due_date": "2026-02-01"}, "due_date", "2026-02-01", "before the issue date 2026-03-01"),
    ({"due_date": "2026-02-31"}, "due_date", "2026-02-31", "year-month-day"),
    ({"issue_date": "0026-03-01"}, "issue_date", "0026-03-01", "check the year"),
    ({"number": "F:1"}, "number", "F:1", "identifier"),
    ({"totl": "1.00"}, "totl", "1.00", "did you mean total?"),
    ({"debtor": None}, "debtor", "None", "must be a text"),
    ({"version": 10**12}, "version", 10**12, "count from 1"),
    ({"order_reference": "a\x00b"}, "order_reference", "a\N{REPLACEMENT CHARACTER}b", "control character"),
    ({"type": "invoice.crated"}, "type", "invoice.crated", "did you mean invoice.created?"),
]


@pytest.mark.parametrize(("change", "field", "value", "remedy"), MISTAKES)
def test_a_mistake_in_an_invoice(change: dict[str, Any], field: str, value: object, remedy: str) -> None:
    """A mistake in an invoice is refused by its field and value, with the remedy."""
    found = refused(INVOICE | change)
    assert found[:2] == (field, value)
    assert remedy in found[2]


def test_a_missing_field_is_named() -> None:
    """An invoice without its total is refused, and the total is named."""
    assert refused({name: INVOICE[name] for name in INVOICE if name != "total"}) == (
        "total",
        None,
        "is missing; give it",
    )


PARTY_MISTAKES = [
    ("creditor", {"iban": "FR7630006000011234567890188"}, "iban", "check digits"),
    ("creditor", {"bic": "NOTABIC"}, "bic", "BIC"),
    ("creditor", {"siren": "123456789"}, "siren", "SIREN"),
    ("creditor", {"vat": "FR05987654321"}, "vat", "VAT number"),
    ("creditor", {"email": "compta at acme"}, "email", "e-mail address"),
    ("creditor", {"reply_to": "a@b"}, "reply_to", "e-mail address"),
    ("creditor", {"time_zone": "Europe/Lyon"}, "time_zone", "Europe/Paris"),
    ("debtor", {"contacts": ({"email": "x@y.fr\nBcc: z@z.fr"},)}, "contacts.0.email", "control character"),
    ("debtor", {"contacts": ({"email": "x@@y.fr"},)}, "contacts.0.email", "e-mail address"),
    ("debtor", {"time_zone": "../etc/passwd"}, "time_zone", "Europe/Paris"),
]


@pytest.mark.parametrize(("party", "facts", "field", "remedy"), PARTY_MISTAKES)
def test_a_mistake_in_a_party(party: str, facts: dict[str, Any], field: str, remedy: str) -> None:
    """A bad IBAN, BIC, SIREN, VAT number, address or time zone is refused with the remedy."""
    event: CreditorRegistered | DebtorRegistered = (
        CreditorRegistered(creditor=build.creditor(**facts))
        if party == "creditor"
        else DebtorRegistered(debtor=build.debtor(**facts))
    )
    with pytest.raises(InputRefused) as refusal:
        check(event)
    assert refusal.value.field == f"{party}.{field}"
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    "facts",
    [
        {"siren": "732 829 320", "vat": "FR44732829320", "iban": "FR76 3000 6000 0112 3456 7890 189"},
        {"iban": "BE68539007547034", "bic": "GKCCBEBB"},
        {"vat": "FRK7399859412"},
    ],
)
def test_good_numbers_pass(facts: dict[str, Any]) -> None:
    """Numbers whose check digits add up are taken, with or without spaces."""
    check(CreditorRegistered(creditor=build.creditor(**facts)))


@pytest.mark.parametrize("facts", [{"siren": "732829321"}, {"vat": "FR05987654321"}, {"vat": "DE123"}])
def test_a_debtors_number_is_only_warned_of(facts: dict[str, Any]) -> None:
    """A debtor's number that does not add up is taken in: nobody here can correct it."""
    check(DebtorRegistered(debtor=build.debtor(**facts)))


@pytest.mark.parametrize(
    "name", ["/etc/hostname.pdf", "../relance.pdf", "a/b.pdf", "invoice.sqlite3", ".x.pdf"]
)
def test_a_document_is_a_pdf_of_the_folder(name: str) -> None:
    """A document that is named by a path, or is no PDF, is refused: what it names is sent to debtors."""
    invoice = {"type": "invoice.created", "creditor": "acme", "number": "F-9", "debtor": "dubois"}
    facts = {"issue_date": "2026-03-01", "total": "10.00", "pdf": name}
    with pytest.raises(ValidationError, match="documents folder"):
        EVENT.validate_python(invoice | facts)


@pytest.mark.parametrize("total", ["1e5", "NaN", "1 000.00", "1,5"])
def test_amounts_are_plain_decimals(total: str) -> None:
    """An amount with an exponent, a comma or a space is refused in JSON, with the way to write it."""
    note = {"type": "credit_note.issued", "creditor": "acme", "number": "A-9", "debtor": "dubois"}
    with pytest.raises(ValidationError, match=r'such as "1250.00"'):
        EVENT.validate_python(note | {"issue_date": "2026-03-01", "total": total})


def test_a_currency_without_cents_takes_whole_amounts() -> None:
    """A part of a yen is refused with the field, the value and the remedy."""
    facts = {"creditor": "acme", "number": "A-9", "debtor": "dubois", "issue_date": "2026-03-01"}
    note = CreditNoteIssued.model_validate(facts | {"currency": "JPY", "total": "100.50"})
    with pytest.raises(InputRefused, match=r"total = '100.50': JPY has no smaller unit"):
        check(note)
