"""How many payments of a realistic month are matched, and that none of them is matched wrongly."""

import pytest

from tests.matching.drawing import Drawing
from tests.matching.habits import HABITS
from tests.matching.month import PAYMENTS, Figures, main, measure, table

SEED = 1
"""One month of full size is enough here; `python -m tests.matching.month 1 2 3 4 5` measures more."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Measures a month of four thousand payments on five thousand invoices."""
    drawing = Drawing(SEED, HABITS, PAYMENTS)
    return measure(drawing.month, drawing.given)


def test_nothing_is_recorded_wrongly(figures: Figures) -> None:
    """No payment of the month is recorded by itself and wrong: debtor, invoices, amounts, what is let go."""
    assert [(truth.kind, entry.booked_on) for entry, truth, _ in figures.wrong] == []


def test_true_invoices_are_found(figures: Figures) -> None:
    """Of the payments with a true invoice, 98 % are found exactly or among the first three candidates."""
    assert figures.found >= 0.98, table(figures)


def test_most_payments_need_nobody(figures: Figures) -> None:
    """Of the payments that name their invoice in full, five in six are recorded rightly without asking."""
    for kind in ("reference", "number", "lower case", "batch", "foreign"):
        counts = figures.rows[kind].counts
        assert 6 * counts["right"] >= 5 * counts["all"], kind


def test_the_command_prints_every_class(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has a line for each class, and what came out of all of them."""
    monkeypatch.setattr("tests.matching.month.PAYMENTS", 300)
    main([7])
    said = capsys.readouterr().out
    assert all(f"\n{kind} " in said for kind in ("reference", "typo", "parent", "unknown", "together"))
    assert "recorded by itself and wrong: 0 of" in said
