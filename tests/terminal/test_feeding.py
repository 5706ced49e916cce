"""Facts typed at the terminal: money, credit, write-offs."""

import json

from tests.terminal import sample
from tests.terminal.conftest import Terminal


def test_paid_in_full_closes_the_case(loaded: Terminal) -> None:
    """Without an amount all that is open is paid, and the case is closed."""
    assert loaded.told("paid", "F-1", "--on", "2026-10-01")["status"] == "taken"
    answer = loaded.told("show", "F-1")
    assert (answer["status"], answer["balance"]["open"], answer["reason"]) == ("paid", "0.00", "paid in full")


def test_the_same_payment_counts_once(loaded: Terminal) -> None:
    """The same command on the same day, or the same reference, is the same payment."""
    command = ("paid", "F-1", "--amount", "200", "--on", "2026-10-01")
    assert [loaded.told(*command)["status"] for _ in range(2)] == ["taken", "known"]
    assert loaded.told(*command, "--reference", "VIR-9")["status"] == "taken"
    assert loaded.told("show", "F-1")["balance"]["open"] == "800.00"


def test_what_owes_nothing_cannot_be_paid_by_default(loaded: Terminal) -> None:
    """A paid invoice asks for an amount before it takes more money; the code is 5."""
    loaded.done("paid", "F-1")
    result = loaded("paid", "F-1")
    assert result.exit_code == 5
    assert "owes nothing" in result.stderr


def test_a_credit_note_lowers_the_debt(loaded: Terminal) -> None:
    """A credit note of 200.50 typed the French way leaves 999.50."""
    loaded.done("credit", "F-1", "--amount", "200,50", "--number", "AV-1")
    assert loaded.told("show", "F-1")["balance"]["open"] == "999.50"


def test_a_write_off_can_be_taken_back(loaded: Terminal) -> None:
    """A written-off invoice is closed; undone, it is open again."""
    loaded.done("write-off", "F-1", "--reason", "bankrupt")
    assert loaded.told("show", "F-1")["status"] == "written_off"
    loaded.done("write-off", "F-1", "--reason", "mistake", "--undo")
    assert loaded.told("show", "F-1")["status"] == "open"


def test_amounts_and_dates_are_checked(loaded: Terminal) -> None:
    """An amount that is none, or a day that is none, is wrong usage: the code is 2."""
    for arguments in (["--amount", "-5"], ["--amount", "1.005"], ["--amount", "NaN"], ["--on", "yesterday"]):
        assert loaded("paid", "F-1", *arguments).exit_code == 2


def test_an_unknown_invoice_is_not_found(loaded: Terminal) -> None:
    """A number that nobody has gives the code 4 for every command about one invoice."""
    for command in (
        ["paid", "X"],
        ["show", "X"],
        ["write-off", "X", "--reason", "r"],
        ["skip", "X", "--reason", "r"],
    ):
        result = loaded(*command)
        assert result.exit_code == 4
        assert "no invoice 'X'" in result.stderr


def test_a_shared_number_needs_its_creditor(loaded: Terminal) -> None:
    """Where two creditors have an invoice F-1, the command names both; with --creditor it goes on."""
    other = [
        sample.creditor("beta"),
        sample.debtor(owner="beta"),
        sample.invoice("F-1", "2099-03-31", creditor="beta"),
    ]
    loaded.done("import", loaded.file("other.json", json.dumps(other)))
    result = loaded("paid", "F-1")
    assert result.exit_code == 3
    assert "atelier, beta" in result.stderr
    assert loaded.told("paid", "F-1", "--creditor", "beta")["creditor"] == "beta"


def test_payments_known_needs_an_instant(loaded: Terminal) -> None:
    """The moment carries its offset; without one it is refused with an example."""
    assert loaded("payments-known", "--creditor", "atelier", "--as-of", "2026-03-31").exit_code == 3
    moment = "2026-03-31T18:00+02:00"
    assert loaded.told("payments-known", "--creditor", "atelier", "--as-of", moment)["status"] == "taken"
