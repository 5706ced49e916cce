"""Money on record: given to invoices, come back."""

import json

import pytest

from tests.terminal import sample
from tests.terminal.conftest import Terminal


def open_sum(terminal: Terminal, number: str) -> str:
    """Gives what is open of an invoice."""
    found: str = terminal.told("show", number)["balance"]["open"]
    return found


def test_too_much_money_is_named_and_allocated(loaded: Terminal) -> None:
    """What a payment brings above the invoice is warned of, with what to type; typed, it is allocated."""
    result = loaded("paid", "F-1", "--amount", "1300", "--reference", "VIR-7")
    assert "100.00 EUR stays unallocated" in result.stderr
    assert "starter.py allocate 'VIR-7' --creditor atelier --to NUMBER=AMOUNT" in result.stderr
    answer = loaded.told("allocate", "VIR-7", "--creditor", "atelier", "--to", "F-2=60")
    assert (answer["changed"], answer["unallocated"], answer["delivered"]) == (True, "40.00", False)
    assert (open_sum(loaded, "F-1"), open_sum(loaded, "F-2")) == ("0.00", "240.00")
    assert loaded.told("allocate", "VIR-7", "--to", "F-2=60,00")["changed"] is False
    loaded.done("allocate", "VIR-7", "--to", "F-1=1000", "--to", "F-2=300")
    assert (open_sum(loaded, "F-1"), open_sum(loaded, "F-2")) == ("200.00", "0.00")
    loaded.done("allocate", "VIR-7", "--to", "F-2=0")
    assert open_sum(loaded, "F-2") == "300.00"


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        (["F-2"], 2),
        (["F-2=x"], 2),
        (["F-2=1", "F-2=2"], 2),
        (["F-9=1"], 4),
        (["F-2=301"], 3),
        (["F-2=60", "L-1=1"], 3),
        (["F-2=101"], 3),
        (["L-1=1"], 4),
    ],
)
def test_what_cannot_be_allocated_changes_nothing(loaded: Terminal, shares: list[str], code: int) -> None:
    """A wrong form, an unknown invoice, another customer's, more than is owed or there: each is refused."""
    loaded.done("paid", "F-1", "--amount", "1300", "--reference", "VIR-7")
    options = [word for share in shares for word in ("--to", share)]
    assert loaded("allocate", "VIR-7", *options).exit_code == code
    assert (open_sum(loaded, "F-1"), open_sum(loaded, "F-2")) == ("0.00", "300.00")


def test_a_payment_comes_back(loaded: Terminal) -> None:
    """A reversed payment opens its invoice again, once, and has no money to give."""
    loaded.done("paid", "F-2", "--reference", "VIR-7")
    command = ("reverse", "VIR-7", "--reason", "returned debit")
    assert loaded.told(*command)["status"] == "taken"
    assert open_sum(loaded, "F-2") == "300.00"
    assert loaded.told(*command, "--creditor", "atelier")["status"] == "known"
    assert loaded("allocate", "VIR-7", "--to", "F-2=1").exit_code == 5
    assert loaded("reverse", "VIR-8", "--reason", "r").exit_code == 4
    assert loaded("reverse", "VIR-7", "--reason", "").exit_code == 3


def test_the_creditor_is_asked_for_where_it_is_unclear(loaded: Terminal) -> None:
    """Two creditors with a payment of one reference must be told apart; the list then names them."""
    for event in (
        sample.creditor("beta"),
        sample.debtor(owner="beta"),
        sample.invoice("B-1", "2099-03-31", creditor="beta"),
        sample.payment("F-1", "10.00", "2026-03-01"),
        sample.payment("B-1", "10.00", "2026-03-01") | {"creditor": "beta"},
    ):
        loaded.done("take", said=json.dumps(event))
    result = loaded("reverse", "VIR-1", "--reason", "r")
    assert result.exit_code == 3
    assert "name one of atelier, beta" in result.stderr
    assert "beta" in loaded.done("list")
    assert "creditor" in loaded.done("list").splitlines()[0]
    assert "creditor" not in loaded.done("list", "--creditor", "beta").splitlines()[0]
