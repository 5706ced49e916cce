"""What people read: one invoice in full, and lists."""

import json

from tests.terminal import sample
from tests.terminal.conftest import Terminal


def test_show_reads_well(loaded: Terminal) -> None:
    """The facts, the balance, what comes next and why, the calendar, and the history stand in this order."""
    loaded.done("paid", "F-1", "--amount", "200", "--on", "2026-10-01")
    said = [line.rstrip() for line in loaded.done("show", "F-1").splitlines()]
    assert said[:8] == [
        "F-1: open",
        "customer: Dupont & Fils (dupont)",
        "creditor: Atelier Martin SAS (atelier)",
        "issued Fri 2099-01-02, due Tue 2099-03-31 (as stated on the invoice)",
        "balance: total €1,200.00, paid €200.00, open €1,000.00",
        said[5],
        "",
        "next: D-10, Fri 2099-03-20 (its day is not a business day: moved to 2099-03-20)",
    ]
    assert said[5].startswith("policy: seed@")
    assert said[9] == "calendar to come"
    assert [line.split("  ")[0] for line in said[11:16]] == ["D-10", "D-3", "D+2", "D+30", "handoff"]
    assert said[17] == "history"
    assert "taken in: €1,200.00, due 2099-03-31, under seed@" in said[19]
    assert "payment of €200.00 on 2026-10-01" in said[20]


def test_show_reads_well_in_french(loaded: Terminal) -> None:
    """The same in French, with French dates and money."""
    said = (
        loaded.done("show", "F-1", "--lang", "fr").replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")
    )
    assert "solde : total 1 200,00 €, ouvert 1 200,00 €" in said
    assert "échéance mar. 31/03/2099 (inscrite sur la facture)" in said
    assert "prise en compte : 1 200,00 €, échéance 31/03/2099" in said


def test_texts_from_outside_cannot_command_a_terminal(terminal: Terminal) -> None:
    """Markup in a name is printed as it is; escape sequences and direction marks in a reason are dropped."""
    events = [
        sample.creditor(),
        sample.debtor("evil", legal_name="Evil[bold]SA"),
        sample.invoice("E-1", "2099-03-31", whose="evil"),
    ]
    terminal.done("import", terminal.file("evil.json", json.dumps(events)))
    terminal.done(
        "hold", "--debtor", "evil", "--until", sample.near(90), "--reason", "\x1b[31mred\u202e[/bold]"
    )
    said = terminal.done("show", "E-1") + terminal.done("list")
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "Evil[bold]SA" in said
    assert "red[/bold]" in said


def test_list_is_sorted_and_filtered(loaded: Terminal) -> None:
    """The nearest next action comes first; customer, text, day, state and number of lines narrow the list."""

    def numbers(*arguments: str) -> list[str]:
        return [one["number"] for one in loaded.told("list", *arguments)["cases"]]

    assert numbers() == ["F-1", "L-1", "F-2"]
    assert numbers("--debtor", "leroy") == ["L-1"]
    assert numbers("--search", "dupont") == ["F-1", "F-2"]
    assert numbers("--next-before", "2099-04-01") == ["F-1"]
    assert numbers("--limit", "2") == ["F-1", "L-1"]
    assert numbers("--overdue") == []
    loaded.done("paid", "F-1")
    assert numbers("--status", "closed") == ["F-1"]
    assert numbers("--status", "all") == ["L-1", "F-2", "F-1"]
    assert "2 of 2 shown" in loaded.done("list")


def test_an_empty_folder_has_no_record(terminal: Terminal) -> None:
    """Before the first import every reading command says how to begin; the code is 6."""
    for command in (["list"], ["show", "F-1"], ["tasks"], ["verify"], ["refused"]):
        result = terminal(*command)
        assert result.exit_code == 6
        assert "import FILE" in result.stderr


def test_a_number_that_is_nearly_right_is_found(loaded: Terminal) -> None:
    """An invoice that falls due in parts names them; other letters' case names the right number."""
    parts = [{"due_date": "2099-03-31", "amount": "700.00"}, {"due_date": "2099-06-30", "amount": "500.00"}]
    split = sample.invoice("P-1", "2099-03-31", maturities=parts)
    del split["due_date"]
    loaded.done("take", said=json.dumps(split))
    result = loaded("show", "P-1")
    assert result.exit_code == 4
    assert "P-1/1, P-1/2" in result.stderr
    assert "did you mean F-1?" in loaded("show", "f-1").stderr
    assert "did you mean" not in loaded("show", "X-1").stderr
