"""Life-cycle messages are read as they are meant, or refused with the place; never guessed."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.faults import InputRefused
from domain.receivable import Creditor
from intake import identity
from intake.readers import cdar
from intake.readers.cdar import LifecycleMessage
from tests.domain import build
from tests.lifecycle.sample import CASHED, DISPUTED, PAID, amount, detail, message, reference

INSTANT = "AcknowledgementDocument/IssueDateTime/DateTimeString"
ACME = build.creditor(siren="732 829 320")


def one(data: bytes) -> LifecycleMessage:
    """Reads a message about one invoice."""
    (found,) = cdar.read(data)
    if isinstance(found, InputRefused):
        raise found
    return found


def refusal(data: bytes) -> InputRefused:
    """Expects a message about one invoice to be refused."""
    with pytest.raises(InputRefused) as refused:
        one(data)
    return refused.value


def test_a_dispute_is_read() -> None:
    """The invoice, the status, its instant in Paris, who reports it, why: all is there."""
    found = one(DISPUTED)
    assert (found.id, found.code, found.reporter) == ("F-2026-7_207#1", "207", "BY")
    assert (found.seller_siren, found.number, found.issue_date) == (
        "732829320",
        "F-2026-7",
        date(2026, 3, 1),
    )
    assert found.at.astimezone(UTC) == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert (found.reasons, found.actions, found.text) == (("TX_TVA_ERR",), (), "Taux erroné")
    assert [(told.type_code, told.percent) for told in found.amounts] == [("DIV", Decimal("10.00"))]


def test_the_event_of_a_dispute() -> None:
    """The seller's SIREN tells the creditor, with or without spaces; no amount is made up."""
    event = cdar.to_event(one(DISPUTED), [build.creditor(id="other", siren="404833048"), ACME])
    assert (event.creditor, event.number, event.message) == ("acme", "F-2026-7", "F-2026-7_207#1")
    assert (event.amount, event.currency, event.effective_on) == (None, None, None)
    identity.check(event)


def test_what_was_cashed_is_the_sum_over_the_rates() -> None:
    """One amount for each rate of VAT: their sum was cashed."""
    event = cdar.to_event(one(CASHED), [ACME])
    assert (event.amount, event.currency, event.reporter) == (Decimal("1055.00"), "EUR", "SE")


def test_what_was_paid_has_its_day() -> None:
    """A payment that was sent tells its amount and its day."""
    event = cdar.to_event(one(PAID), [ACME])
    assert (event.amount, event.effective_on) == (Decimal("1055.00"), date(2026, 3, 5))


def test_what_was_not_approved_is_contested() -> None:
    """Of an approval in part the amount not approved with VAT is told; one without VAT tells nothing."""
    both = detail(amount("MAPTTC", "80"), amount("MNATTC", "20.00"), reason="PU_ERR")
    assert cdar.to_event(one(message(reference("206", both))), [ACME]).amount == Decimal("20.00")
    net = detail(amount("MNA", "20.00"), reason="PU_ERR")
    assert cdar.to_event(one(message(reference("206", net))), [ACME]).amount is None


def test_what_was_approved_is_told_too() -> None:
    """Where only the amount approved with VAT is told, it is kept: the invoice says what is left."""
    part = detail(amount("MAPTTC", "80.00"), reason="PU_ERR")
    event = cdar.to_event(one(message(reference("206", part))), [ACME])
    assert (event.amount, event.approved, event.currency) == (None, Decimal("80.00"), "EUR")


def test_several_invoices_in_one_message() -> None:
    """One reference that cannot be read does not stop the others, and names its line."""
    data = message(
        reference("202", number="F-1"), reference("999", number="F-2"), reference("203", number="F-3")
    )
    first, second, third = cdar.read(data)
    assert isinstance(first, LifecycleMessage)
    assert isinstance(third, LifecycleMessage)
    assert (first.number, third.number, first.id) == ("F-1", "F-3", third.id)
    assert isinstance(second, InputRefused)
    assert (second.field, second.value, second.line) == ("ProcessConditionCode", "999", 6)


@pytest.mark.parametrize("code", ["206", "207", "208", "210", "213", "501"])
def test_a_reason_is_needed(code: str) -> None:
    """A status that means nothing without a reason is refused without one."""
    found = refusal(message(reference(code)))
    assert (found.field, found.remedy) == ("ReasonCode", f"is missing: status {code} needs a reason")


@pytest.mark.parametrize(
    ("details", "field", "value"),
    [
        ("", "MEN", None),
        (detail(amount("RAP", "5.00")), "MEN", None),
        (detail(amount("MEN", percent="20")), "MEN/ValueAmount", None),
        (detail(amount("MEN", "5.00")), "MEN/ValuePercent", None),
        (detail(amount("MEN", "-5.00", percent="20")), "MEN", "-5.00"),
        (detail(amount("MEN", "5,00", percent="20")), "ValueAmount", "5,00"),
        (detail(amount("MEN", "1e3", percent="20")), "ValueAmount", "1e3"),
        (detail(amount("MEN", "NaN", percent="20")), "ValueAmount", "NaN"),
        (detail(amount("MEN", "5.001", percent="20")), "ValueAmount", "5.001"),
        (detail(amount("MEN", "9" * 20, percent="20")), "ValueAmount", "9" * 20),
        (detail(amount("MEN", "٣٤", percent="20")), "ValueAmount", "٣٤"),
        (detail(amount("MEN", "5.00", "euro", "20")), "currency", "euro"),
        (
            detail(amount("MEN", "5.00", percent="20"), amount("MEN", "5.00", "USD", "10")),
            "MEN/currencyID",
            "EUR, USD",
        ),
    ],
)
def test_what_was_cashed_is_never_guessed(details: str, field: str, value: str | None) -> None:
    """Status 212 without a clear amount is refused with the field and its value."""
    found = refusal(message(reference("212", details)))
    assert (found.field, found.value, found.line) == (field, value, 5)


def test_cents_beyond_the_second_may_be_noughts() -> None:
    """12000, 12000.5 and 12000.5000 are amounts."""
    for text in ("12000", "12000.5", "12000.5000"):
        (told,) = one(message(reference("212", detail(amount("MEN", text, percent="20"))))).amounts
        assert told.value == Decimal(text)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (message(reference("205", number="")), "IssuerAssignedID"),
        (message(reference("205", number="F:1")), "number"),
        (message(reference("205", issued="")), "FormattedIssueDateTime/DateTimeString"),
        (message(reference("205", issued="20260231")), "FormattedIssueDateTime/DateTimeString"),
        (message(reference("205", issued="202603")), "FormattedIssueDateTime/DateTimeString"),
        (message(reference("205", seller="")), "IssuerTradeParty/GlobalID"),
        (message(reference("205", seller="73282932")), "IssuerTradeParty/GlobalID"),
        (message(reference("205", detail(reason="a b"))), "ReasonCode"),
        (message(reference("205"), at="2026-03-02T10:00"), INSTANT),
        (message(reference("205"), at="00010101000000"), INSTANT),
        (message(reference("205"), name=" "), "ExchangedDocument/ID"),
        (message(reference("205"), name="x" * 141), "id"),
        (message(), "ReferenceReferencedDocument"),
        (b"<?xml version='1.0'?><Invoice/>", "life-cycle message"),
        (DISPUTED[:-20], "life-cycle message"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + DISPUTED[39:], "life-cycle message"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_place(data: bytes, field: str) -> None:
    """What is missing, malformed or hostile is refused with the field."""
    assert refusal(data).field == field


def test_an_inadmissible_invoice_may_lack_its_date() -> None:
    """Of an inadmissible invoice (501) date and seller may be unknown: the recipient is the seller then."""
    seller = (
        '<ram:RecipientTradeParty><ram:GlobalID schemeID="0002">732829320</ram:GlobalID>'
        "<ram:RoleCode>SE</ram:RoleCode></ram:RecipientTradeParty>"
    )
    why = detail(reason="IRR_SYNTAX")
    found = one(message(reference("501", why, issued="", seller=""), recipients=seller))
    assert (found.seller_siren, found.issue_date) == ("732829320", None)


@pytest.mark.parametrize(
    ("creditors", "field"),
    [
        ([], "seller"),
        ([build.creditor(siren="404833048")], "seller"),
        ([ACME, build.creditor(id="other", siren="732829320")], "seller"),
    ],
)
def test_whose_invoice_it_is_is_never_guessed(creditors: list[Creditor], field: str) -> None:
    """A seller who is no creditor, or several, is refused."""
    with pytest.raises(InputRefused) as refused:
        cdar.to_event(one(DISPUTED), creditors)
    assert (refused.value.field, refused.value.value) == (field, "732829320")


def test_a_sum_that_no_amount_can_hold_is_refused() -> None:
    """Amounts that can be read one by one may sum to more than any amount that is kept."""
    parts = [amount("MEN", "9" * 12, percent="20")] * 2
    with pytest.raises(InputRefused, match=r"amount = .*larger than any amount"):
        cdar.to_event(one(message(reference("212", detail(*parts)))), [ACME])


def test_a_creditor_is_known_by_the_vat_number_too() -> None:
    """A French VAT number ends with the SIREN."""
    assert cdar.to_event(one(DISPUTED), [build.creditor(vat="FR44732829320")]).creditor == "acme"


def test_the_status_of_a_credit_note_is_no_invoices() -> None:
    """A credit note has a life cycle too, which changes nothing that is owed."""
    with pytest.raises(InputRefused) as refused:
        cdar.to_event(one(message(reference("202", kind="381"))), [ACME])
    assert (refused.value.field, refused.value.value) == ("TypeCode", "381")


def test_what_is_recognised() -> None:
    """Whole, truncated and in UTF-16 a message is recognised; other XML and other files are not."""
    wide = DISPUTED.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert all(cdar.recognise(data) for data in (DISPUTED, DISPUTED[:300], b"\xef\xbb\xbf" + DISPUTED, wide))
    assert one(wide) == one(DISPUTED)
    assert not any(
        cdar.recognise(data) for data in (b"", b"<Invoice/>", b"CrossDomainAcknowledgement", b"PK")
    )


def test_nothing_invisible_comes_in() -> None:
    """Control characters and line breaks leave the texts, which are cut to a bearable length."""
    noisy = detail(reason="AUTRE", said="a\N{NEXT LINE}b\n\tc " + "x" * 600)
    found = one(message(reference("207", noisy)))
    assert found.text is not None
    assert (found.text[:6], len(found.text)) == ("a b c ", 500)
    identity.check(cdar.to_event(found, [ACME]))


SAMPLES = (DISPUTED, CASHED, PAID)
ELEMENT = re.compile(rb"<(ram:[A-Za-z]+)[^>]*>[^<]*</\1>")


def amounts(data: bytes) -> set[Decimal | None]:
    """Reads the amounts of the events of a message; what is refused gives none."""
    try:
        found = cdar.read(data)
    except InputRefused:
        return set()
    told = [each for each in found if isinstance(each, LifecycleMessage)]
    events = []
    for each in told:
        try:
            events.append(cdar.to_event(each, [ACME]))
        except InputRefused:
            continue
    for event in events:
        try:
            identity.check(event)
        except InputRefused:
            continue
    return {event.amount for event in events}


@given(st.sampled_from(SAMPLES), st.data())
def test_a_truncated_message_is_refused(sample: bytes, data: st.DataObject) -> None:
    """Whatever is cut off, nothing crashes and nothing is half read."""
    cut = data.draw(st.integers(0, len(sample.rstrip()) - 1))
    with pytest.raises(InputRefused):
        cdar.read(sample[:cut])


@given(st.sampled_from(SAMPLES), st.data())
def test_flipped_bytes_are_read_or_refused(sample: bytes, data: st.DataObject) -> None:
    """Bytes that are changed, left out or doubled anywhere never make it crash."""
    mutated = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    amounts(bytes(mutated))


@given(st.sampled_from(SAMPLES), st.data())
def test_a_missing_element_never_changes_an_amount(sample: bytes, data: st.DataObject) -> None:
    """With any element taken out, what is still read says the same amount, or none where it is not needed."""
    found = list(ELEMENT.finditer(sample))
    gone = found[data.draw(st.integers(0, len(found) - 1))]
    left = amounts(sample[: gone.start()] + sample[gone.end() :])
    assert left <= amounts(sample) | {None}


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Bytes that are no message are refused in words."""
    with pytest.raises(InputRefused):
        cdar.read(data)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_texts_are_read_or_refused(number: str, code: str, said: str) -> None:
    """Whatever stands in the fields, they are read as they are or refused."""
    storable = all(letter.isprintable() or letter in "\t\n" for letter in number + code + said)
    if storable:
        cash = detail(amount("MEN", "5.00", percent="20"), said=said)
        amounts(message(reference("212", cash, number=number)))
        amounts(message(reference("207", detail(reason=code), number=number)))
