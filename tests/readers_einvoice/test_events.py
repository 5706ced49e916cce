"""What electronic invoices mean: which events follow, when they fall due, and what is refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from domain.account import Account
from domain.actions import Outcome
from domain.events import (
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    InvoiceCreated,
    PaymentReceived,
)
from domain.portfolio import accounts_from
from domain.receivable import Debtor
from domain.simulation import Simulated, simulate
from tests.domain.build import seed_policy
from tests.readers_einvoice.meaning import invoice_of, only, refused, understood
from tests.readers_einvoice.samples import (
    CREDITOR,
    DEBTOR,
    EXTENDED,
    IBAN,
    cii,
    cii_means,
    cii_term,
    day,
    tag,
    ubl,
    ubl_means,
)

Sample = Callable[..., bytes]


# The invoice


@pytest.mark.parametrize("sample", [cii, ubl])
def test_an_invoice_is_created_with_all_its_facts(sample: Sample) -> None:
    """An invoice becomes one event with its references, its day of delivery and its document."""
    assert only(sample(), pdf="F-2026-7.pdf") == InvoiceCreated(
        creditor="maree",
        number="F-2026-7",
        debtor="verger",
        issue_date=day("2026-03-01"),
        due_date=day("2026-03-31"),
        total="120.00",
        order_reference="BC-4471",
        delivery_reference="BL-9",
        reference="RF97F20260023",
        pdf="F-2026-7.pdf",
    )
    assert understood(sample()).warnings == ()


def test_what_was_paid_before_is_a_payment() -> None:
    """The total is what is due and what was paid; the payment is received on the day of issue."""
    created, paid = understood(cii(prepaid="20.00", due="100.00")).events
    assert isinstance(created, InvoiceCreated)
    assert created.total == Decimal("120.00")
    assert paid == PaymentReceived(
        creditor="maree",
        reference="prepaid:F-2026-7",
        amount="20.00",
        received_on=day("2026-03-01"),
        debtor="verger",
        invoice="F-2026-7",
    )


def test_a_rounding_is_part_of_the_total() -> None:
    """What is asked for in all includes the rounding."""
    assert invoice_of(cii(rounding="0.05", due="120.05")).total == Decimal("120.05")


def lived(data: bytes) -> Simulated:
    """Lives an invoice through to its end, as a simulation does."""
    events = [
        CreditorRegistered(creditor=CREDITOR),
        DebtorRegistered(debtor=Debtor.model_validate(DEBTOR.model_dump() | {"contacts": [MAIL]})),
        *understood(data).events,
    ]
    rules = seed_policy()
    portfolio = accounts_from(events, {"french-b2b": rules})
    assert portfolio.refused == ()
    return simulate(
        portfolio.accounts, {rules.version: rules}, portfolio.facts, portfolio.start, portfolio.end
    )


MAIL = {"email": "factures@verger.example"}


@pytest.mark.parametrize(("prepaid", "due"), [("120.00", "0.00"), ("200.00", "-80.00")])
def test_nothing_is_asked_where_nothing_is_due(prepaid: str, due: str) -> None:
    """An invoice paid before it was issued asks for nothing, ever; what is too much stays on the account."""
    story = lived(cii(prepaid=prepaid, due=due))
    assert story.messages == ()
    account: Account = story.accounts[0]
    assert account.balance("F-2026-7").open == 0
    assert sum(payment.unallocated for payment in account.payments) == -Decimal(due)


def test_only_the_rest_is_asked_for() -> None:
    """Where a part was paid before, messages ask for the rest."""
    story = lived(cii(prepaid="20.00", due="100.00"))
    assert {entry.what for entry in story.entries} >= {Outcome.SENT}
    assert {line.open for message in story.messages for line in message.lines} == {Decimal("100.00")}


def test_maturities_and_discounts_are_handed_on() -> None:
    """Maturities replace the due date, and discounts are those of the invoice."""
    terms = cii_term("#SKONTO#TAGE=14#PROZENT=2.00#", "2026-03-31", "60.00")
    created = invoice_of(cii(profile=EXTENDED, terms=terms + cii_term(None, "2026-04-30", "60.00")))
    assert (created.due_date, len(created.maturities), len(created.discounts)) == (None, 2, 1)


@pytest.mark.parametrize(("code", "expected"), [("30", False), ("58", False), ("49", True), ("59", True)])
def test_direct_debits_are_known_by_their_means(code: str, *, expected: bool) -> None:
    """Means 49 and 59 say that the creditor collects; transfers do not."""
    assert invoice_of(cii(means=cii_means(code, IBAN))).direct_debit is expected
    assert invoice_of(ubl(means=ubl_means(code, None, IBAN))).direct_debit is expected


def test_mixed_means_are_said() -> None:
    """Direct debit beside a transfer is taken as direct debit, and said."""
    found = understood(cii(means=cii_means("30", IBAN) + cii_means("59")))
    assert "direct debit" in found.warnings[0]


# The due date


def test_terms_in_words_serve_where_no_due_date_is_stated() -> None:
    """Plain terms make the due date by terms, and the note says how they were read."""
    found = understood(cii(terms=cii_term("45 jours fin de mois")))
    (created,) = found.events
    assert isinstance(created, InvoiceCreated)
    assert (created.due_date, created.terms_days) == (None, 75)
    assert any("2026-05-15" in note and "later" in note for note in found.notes)
    assert invoice_of(cii(terms=cii_term("150 jours net"))).due_date == date(2026, 7, 29)


@pytest.mark.parametrize(
    ("debtor_days", "creditor_days", "words"),
    [(45, 60, "agreed with the customer"), (None, 60, "usual terms"), (None, None, "legal default of 30")],
)
def test_the_fallback_that_applies_is_said(
    debtor_days: int | None, creditor_days: int | None, words: str
) -> None:
    """Without a due date and plain terms the door decides, and the note says by what."""
    found = understood(
        cii(terms=cii_term("à convenir")),
        creditors=(CREDITOR.model_copy(update={"terms_days": creditor_days}),),
        debtors=(DEBTOR.model_copy(update={"terms_days": debtor_days}),),
    )
    (created,) = found.events
    assert isinstance(created, InvoiceCreated)
    assert (created.due_date, created.terms_days) == (None, None)
    assert any(words in note and "'à convenir'" in note for note in found.notes)


def test_several_due_dates_leave_the_last() -> None:
    """Of several due dates without amounts the last is taken, and said."""
    found = understood(
        cii(profile=EXTENDED, terms=cii_term(None, "2026-03-15") + cii_term(None, "2026-04-15"))
    )
    (created,) = found.events
    assert isinstance(created, InvoiceCreated)
    assert created.due_date == date(2026, 4, 15)
    assert "2026-03-15, 2026-04-15" in found.warnings[0]


def test_a_due_date_before_the_invoice_is_refused() -> None:
    """What the door would refuse is refused as a whole, before anything is taken in."""
    assert refused(cii(terms=cii_term(None, "2026-02-01"))).field == "due_date"
    assert refused(cii(number="F 2026 é")).field == "number"
    assert refused(cii(currency="EUX")).field == "currency"


# Kinds of document


@pytest.mark.parametrize("code", ["380", "386", "389", "326", "383", "393", "387", "877", "500"])
def test_invoices_of_every_kind_are_created(code: str) -> None:
    """Prepayment, self-billed, partial, debit note, factored, hire: they all ask for money."""
    assert invoice_of(cii(code=code)).total == Decimal("120.00")


def test_a_factored_invoice_is_warned_of() -> None:
    """A factored invoice, and one to be paid to another party, say so."""
    assert "factor" in understood(cii(code="393")).warnings[0]
    payee = tag("ram:PayeeTradeParty", tag("ram:Name", "Affacturage SA"))
    assert "Affacturage SA" in understood(cii(payee=payee)).warnings[0]


CREDIT = ["381", "261", "262", "296", "308", "396", "420", "458", "532", "502", "503"]


@pytest.mark.parametrize("code", CREDIT)
def test_credit_notes_reduce_the_invoice_that_they_name(code: str) -> None:
    """Credit notes with positive amounts are issued on the one invoice that they name."""
    expected = CreditNoteIssued(
        creditor="maree",
        number="F-2026-7",
        debtor="verger",
        invoice="F-2026-1",
        issue_date=day("2026-03-01"),
        total="120.00",
    )
    assert only(cii(code=code, preceding=("F-2026-1",))) == expected
    assert only(ubl(kind="CreditNote", code=code, preceding=("F-2026-1",))) == expected


@pytest.mark.parametrize("preceding", [(), ("F-1", "F-2"), ("F-2026-7",), ("N° 4",)])
def test_credit_notes_without_one_invoice_reduce_the_account(preceding: tuple[str, ...]) -> None:
    """A credit note that names no invoice, several, itself or no number reduces the account, and says so."""
    found = understood(cii(code="381", preceding=preceding, means=cii_means("30", "A")))
    (issued,) = found.events
    assert isinstance(issued, CreditNoteIssued)
    assert (issued.invoice, issued.debtor) == (None, "verger")
    assert "account" in found.notes[-1]
    assert found.warnings == ()


@pytest.mark.parametrize("code", ["380", "384", "472"])
def test_invoices_below_zero_are_credit_notes(code: str) -> None:
    """A negative invoice, corrected or not, takes money back from the invoice that it names."""
    issued = only(cii(code=code, total="-120.00", due="-120.00", preceding=("F-2026-1",)))
    assert isinstance(issued, CreditNoteIssued)
    assert (issued.total, issued.invoice) == (Decimal("120.00"), "F-2026-1")


def test_a_paid_credit_note_is_warned_of() -> None:
    """A credit note that was paid in part credits the whole, and asks to be looked at."""
    found = understood(cii(code="381", prepaid="20.00", due="100.00"))
    assert isinstance(found.events[0], CreditNoteIssued)
    assert found.events[0].total == Decimal("120.00")
    assert "20.00" in found.warnings[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (cii(code="384", preceding=("F-1",)), "cancel that one by a credit note"),
        (cii(code="381", total="-120.00", due="-120.00"), "above zero"),
        (cii(code="325"), "no type of invoice"),
        (cii(code="751"), "no type of invoice"),
        (ubl(kind="CreditNote", code="380"), "no type of credit note"),
        (cii(prepaid="-20.00", due="140.00"), "below zero"),
    ],
)
def test_documents_that_cannot_be_followed_are_refused(data: bytes, words: str) -> None:
    """A corrected invoice, a negative credit note, a pro forma and contradictions are refused."""
    assert words in refused(data).remedy


def test_an_invoice_of_nothing_is_nothing() -> None:
    """An invoice of zero leaves no event, and says so; not even its unknown buyer is registered."""
    found = understood(cii(total="0.00", due="0.00"), debtors=())
    assert found.events == ()
    assert "nothing" in found.notes[-1]


def test_references_too_long_to_keep_are_left_out() -> None:
    """A reference that is cut would be another one: it is left out, and said."""
    data = cii(reference="R" * 141).replace(b"BC-4471", b"B" * 65)
    created = invoice_of(data)
    assert (created.order_reference, created.reference) == (None, None)
    assert len(understood(data).warnings) == 2
