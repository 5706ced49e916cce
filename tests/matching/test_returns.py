"""Which payment a return takes back."""

from datetime import timedelta
from typing import Any

import pytest

from domain.bank import BankEntry
from domain.matching import BankPayment, match_return, takes_back
from domain.reasons import Reason
from tests.domain.build import day
from tests.matching.build import VERGER, entry


def paid(reference: str, amount: str = "100.00", **more: Any) -> BankPayment:
    """Gives a payment of 10 November that the bank told of."""
    facts = {
        "debtor": "verger",
        "received_on": day("2026-11-10"),
        "bank_reference": f"BK{reference}0000",
    } | more
    return BankPayment.model_validate(facts | {"reference": reference, "amount": amount})


def back(**more: Any) -> BankEntry:
    """Gives a debit of 12 November that says it is a return."""
    return entry(credit=False, returned="AC04", **more)


@pytest.mark.parametrize(
    "facts",
    [
        {"end_to_end": "E2E-000777"},
        {"bank_reference": "BKP10000"},
        {"text": "REJET PRLV REF BKP10000 PROVISION INSUFFISANTE"},
        {"references": ("BKP10000",)},
    ],
)
def test_a_return_that_quotes_its_payment_reverses_it(facts: dict[str, Any]) -> None:
    """The end-to-end id or the bank's reference, in a field or the text, names one payment of the amount."""
    found = match_return(
        back(**facts), [paid("P1", end_to_end="E2E-000777"), paid("P2"), paid("P3", "70.00")]
    )
    assert (found.decision, found.candidates[0], found.reasons) == ("reverse", "P1", (Reason.QUOTED,))


@pytest.mark.parametrize(
    "payments",
    [
        [paid("P1", end_to_end="E2E-000777"), paid("P2", end_to_end="E2E-000777")],
        [paid("P1", "70.00", end_to_end="E2E-000777")],
        [paid("P1", end_to_end="E2E-000777", currency="USD")],
        [paid("P1", end_to_end="E2E-000777", received_on=day("2026-11-13"))],
        [paid("P1"), paid("P2", end_to_end="NOTPROVIDED")],
        [],
    ],
)
def test_a_return_that_names_no_one_payment_is_asked(payments: list[BankPayment]) -> None:
    """Two payments quoted, another amount or currency, a later day, no real reference: a person decides."""
    for quoted in ("E2E-000777", "NOTPROVIDED"):
        assert match_return(back(end_to_end=quoted), payments).decision == "ask"


def test_equal_payments_are_ranked_by_account_and_day() -> None:
    """Without a reference, the payment from the same account comes first, then the latest."""
    payments = [paid(f"P{ago}", received_on=day("2026-11-10") - timedelta(days=ago)) for ago in range(4)]
    payments.append(paid("SAME", received_on=day("2026-10-01"), payer_account=VERGER))
    assert match_return(back(payer_account=VERGER), payments).candidates == ("SAME", "P0", "P1", "P2", "P3")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (entry(credit=False, text="FRAIS DE TENUE DE COMPTE"), False),
        (entry(credit=False, text="PRLV REJETE"), True),
        (entry(credit=False, text="RÜCKLASTSCHRIFT"), True),
        (entry(credit=False, returned="MD06"), True),
        (entry(reversal=True), True),
        (entry(text="RETOUR SUR FACTURE 12"), False),
    ],
)
def test_what_takes_a_movement_back(one: BankEntry, expected: bool) -> None:  # noqa: FBT001 - a table of answers
    """A reversal, a reason code, or a debit that says so takes something back; a credit's words do not."""
    assert takes_back(one) is expected
