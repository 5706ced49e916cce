"""An account with some of its facts replaced: what it worked out before does not outlive its reasons."""

from typing import Any

import pytest

from domain.account import Account, Case
from domain.actions import Ending
from tests.domain import build

PAYMENT = build.payment("120.00", F_1="100.00")
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "an invoice corrected": {"F-1": {"invoice": build.invoice("F-1", total="500.00", due="2026-05-31")}},
    "a case closed": {"F-1": {"ending": Ending.PAID}},
    "a case given up": {"F-2": {"ending": Ending.WRITTEN_OFF}},
    "that taken back": {"F-3": {"ending": None}},
    "a step asked for": {"F-2": {"hurried": "D+2"}},
    "two at once": {"F-1": {"ending": Ending.PAID}, "F-3": {"ending": Ending.CREDITED}},
    "an unknown number": {"F-9": {"ending": Ending.WRITTEN_OFF}},
}


def account() -> Account:
    """Gives three invoices, the last one given up, and money of which 20.00 is for none of them."""
    cases = tuple(
        Case(invoice=build.invoice(number, due=due), policy="seed", ending=ending)
        for number, due, ending in (
            ("F-1", "2026-03-31", None),
            ("F-2", "2026-02-28", None),
            ("F-3", "2026-01-31", Ending.WRITTEN_OFF),
        )
    )
    return Account(creditor=build.creditor(), debtor=build.debtor(), cases=cases, payments=(PAYMENT,))


def worked_out(one: Account) -> dict[str, Any]:
    """Asks an account for everything that it works out."""
    numbers = [case.invoice.number for case in one.cases]
    return {
        "balances": {number: one.balance(number) for number in numbers},
        "open": one.open_numbers(),
        "cases": {number: one.case(number) for number in numbers},
    }


def afresh(one: Account) -> dict[str, Any]:
    """Asks an account of the same facts that has worked nothing out yet."""
    return worked_out(Account(**{name: getattr(one, name) for name in Account.model_fields}))


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_cases_changed(changes: dict[str, dict[str, Any]]) -> None:
    """After a change of cases, what the account says is what an account read afresh would say."""
    known = account()
    worked_out(known)
    changed = known.having_cases(changes)
    assert worked_out(changed) == afresh(changed)
    assert (changed == known) is ("F-9" in changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"payments": (PAYMENT, build.payment("50.00", reference="VIR-2", F_2="50.00"))},
        {"payments": (PAYMENT.model_copy(update={"reversed": True}),)},
        {"credit_notes": (build.credit_note("30.00", invoice="F-2"),)},
        {"cases": account().cases[1:]},
        {"revision": 7},
    ],
    ids=["a payment", "a payment that came back", "a credit note", "fewer cases", "a revision"],
)
def test_facts_replaced(changes: dict[str, Any]) -> None:
    """After any fact is replaced, what the account says is what an account read afresh would say."""
    known = account()
    worked_out(known)
    changed = known.having(**changes)
    assert worked_out(changed) == afresh(changed)
    assert changed != known
