"""Agreements on the command line: made, listed, approved and ended, for people and for programs."""

import json
from typing import Any

import pytest

from tests.terminal import sample
from tests.terminal.conftest import Terminal

END = ["agreements", "end", "P-9", "--how", "upheld"]
SOON, LATER, MUCH_LATER = (sample.near(days) for days in (10, 17, 24))


@pytest.fixture
def busy(terminal: Terminal) -> Terminal:
    """Gives a command line whose record holds invoices of the next months."""
    terminal.done("import", terminal.file("near.json", json.dumps(sample.nearby())))
    return terminal


def listed(terminal: Terminal, *more: str) -> list[dict[str, Any]]:
    """Lists agreements as a program reads them."""
    found: list[dict[str, Any]] = terminal.told("agreements", *more)["agreements"]
    return found


def test_a_promise_is_recorded_once_and_listed(busy: Terminal) -> None:
    """The same promise typed twice is one; the list says how it stands, what came and what comes next."""
    first = busy.told("promise", "F-1", "--pay-by", SOON, "--as", "anna")
    again = busy.told("promise", "F-1", "--pay-by", SOON, "--as", "anna")
    assert (first["status"], again["status"], first["numbers"]) == ("taken", "known", ["F-1"])
    busy.done("paid", "F-1", "--amount", "200")
    (line,) = listed(busy)
    assert (line["kind"], line["standing"]) == ("promise", "running")
    assert (line["came"], line["owed"]) == ("200.00", "1200.00")
    assert line["next_duty"] == {"amount": "1200.00", "by": sample.near(13)}
    for language, words in (("en", ("promise", "running", "Dupont")), ("fr", ("promesse", "en cours"))):
        said = busy.done("agreements", "--lang", language)
        assert all(word in said for word in words)


def test_u23_an_invoice_is_taken_out_from_the_invoice_itself(busy: Terminal) -> None:
    """U23: one command on the invoice, with a reason, takes it out; the customer's list and `show` tell."""
    more = ("--line", "2 boxes", "--owner", "Paul")
    busy.done("dispute", "F-2", "--reason", "quality", "--until", MUCH_LATER, *more)
    (line,) = listed(busy, "--debtor", "dupont")
    assert (line["invoices"], line["reason"], line["lines"]) == (["F-2"], "quality", ["2 boxes"])
    assert listed(busy, "--debtor", "leroy") == []
    (shown,) = busy.told("show", "F-2")["agreements"]
    assert (shown["standing"], shown["age_days"]) == ("running", 0)
    said = busy.done("show", "F-2", "--lang", "fr").replace("\N{NO-BREAK SPACE}", " ")
    assert "litige dispute-" in said
    assert "contestée (qualité), depuis 0 jour(s)" in said
    assert "de Paul" in said
    assert "dispute" in busy.done("tasks")


def test_u19_the_list_shows_what_ends_when(busy: Terminal) -> None:
    """U19: every pause has a reason, an author and an end; what is over is listed only with --all."""
    more = ("--amount", "50", "--id", "D-1", "--as", "eve")
    busy.done("dispute", "F-2", "--reason", "price", "--until", LATER, *more)
    busy.done("promise", "L-1", "--pay-by", SOON, "--id", "P-1")
    assert {one["id"] for one in listed(busy)} == {"D-1", "P-1"}
    said = ("--how", "upheld", "--reason", "wrong price list", "--as", "eve")
    answer = busy.told("agreements", "end", "D-1", *said)
    assert "issue a credit note of 50.00 EUR on F-2" in answer["what"]
    busy.done("paid", "L-1")
    assert listed(busy) == []
    assert {one["id"]: one["standing"] for one in listed(busy, "--all")} == {"D-1": "ended", "P-1": "kept"}
    assert {"eve"} == {
        entry["facts"]["author"]
        for entry in busy.told("show", "F-2")["history"]
        if entry["kind"] in {"agreement.made", "agreement.ended"}
    }


def test_a_plan_divides_what_is_owed(busy: Terminal) -> None:
    """Equal instalments of all that is owed, or those that are given, to the cent."""
    busy.done("plan", "F-1", "F-2", "--instalments", "7", "--first", SOON, "--every", "weekly", "--id", "L-1")
    (line,) = listed(busy)
    amounts = [part["amount"] for part in line["instalments"]]
    assert amounts == ["214.28"] * 6 + ["214.32"]
    busy.done("plan", "L-1", "--instalment", f"{SOON}=30,50", "--instalment", f"{LATER}=50", "--id", "L-2")
    given = next(one for one in listed(busy) if one["id"] == "L-2")
    assert [part["amount"] for part in given["instalments"]] == ["30.50", "50.00"]


def test_a_settlement_is_approved_and_kept(busy: Terminal) -> None:
    """An offer waits for approval; approved and paid in time, it lets the rest go, and `show` says so."""
    busy.done("settlement", "F-1", "--amount", "1000", "--pay-by", SOON, "--id", "S-1")
    assert listed(busy)[0]["standing"] == "pending"
    assert busy.told("agreements", "approve", "S-1", "--as", "eve")["changed"]
    assert not busy.told("agreements", "approve", "S-1")["changed"]
    busy.done("paid", "F-1", "--amount", "1000")
    shown = busy.told("show", "F-1")
    assert (shown["status"], shown["balance"]["waived"]) == ("paid", "200.00")
    assert "waived €200.00" in busy.done("show", "F-1")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["promise", "F-9", "--pay-by", SOON], 4, "no invoice 'F-9'"),
        (["promise", "F-1", "--pay-by", "2020-01-01"], 3, "a day before it; give a later day"),
        (["promise", "F-1", "L-1", "--pay-by", SOON], 3, "of different debtors"),
        (["promise", "F-1", "--pay-by", SOON, "--amount", "1200.01"], 3, "is more than the 1200.00 owed"),
        (["settlement", "F-1", "--pay-by", SOON, "--amount", "1200"], 3, "lets nothing go"),
        (["plan", "F-1"], 2, "give --instalments N with --first DATE"),
        (["plan", "F-1", "--instalments", "3"], 2, "give --instalments N with --first DATE"),
        (["plan", "F-1", "--instalment", "tomorrow"], 2, "write DATE=AMOUNT"),
        (["plan", "L-1", "--instalments", "60", "--first", SOON, "--amount", "0.10"], 3, "take fewer"),
        (["dispute", "F-1", "--reason", "price", "--until", SOON, "--amount", "1200.01"], 3, "total of"),
        (["agreements", "approve", "P-9"], 4, "no agreement 'P-9'"),
        ([*END, "--reason", "x"], 4, "no agreement 'P-9'"),
        ([*END, "--reason", "x", "--creditor", "atelier"], 3, "is not a known"),
        ([*END, "--reason", "", "--creditor", "atelier"], 3, "1 to 200"),
    ],
)
def test_what_cannot_be_agreed_changes_nothing(
    busy: Terminal, command: list[str], code: int, said: str
) -> None:
    """A wrong agreement is refused in one sentence with its exit code, and nothing is written."""
    result = busy(*command)
    assert result.exit_code == code
    assert said in " ".join(result.output.replace("│", " ").split())
    assert listed(busy, "--all") == []


def test_a_document_and_a_name_of_several_creditors(busy: Terminal) -> None:
    """A document's number stands for its maturities; where two creditors share a number, one is named."""
    parts = [
        {"due_date": sample.near(20), "amount": "60.00"},
        {"due_date": sample.near(50), "amount": "40.00"},
    ]
    document = sample.invoice("M-1", sample.near(50), "100.00", issue_date=sample.near(-5), maturities=parts)
    del document["due_date"]
    twin = [sample.creditor("other"), sample.debtor("dupont", "other")]
    twin.append(sample.invoice("F-1", sample.near(40), issue_date=sample.near(-5), creditor="other"))
    busy.done("import", busy.file("more.json", json.dumps([document, *twin])))
    assert busy.told("promise", "M-1", "--pay-by", SOON)["numbers"] == ["M-1/1", "M-1/2"]
    assert busy("promise", "F-1", "--pay-by", SOON).exit_code == 3
    named = ("--pay-by", SOON, "--id", "P-1", "--creditor")
    for owner in ("atelier", "other"):
        assert busy.told("promise", "F-1", *named, owner)["creditor"] == owner
    assert busy("agreements", "end", "P-1", "--how", "withdrawn", "--reason", "x").exit_code == 3
    assert len(listed(busy, "--creditor", "other")) == 1
