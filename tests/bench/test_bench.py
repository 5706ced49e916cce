"""The bench's own bookkeeping: its table, its plot, and what it keeps away from its processes."""

from xml.etree import ElementTree as ET

import pytest

from bench.findings import Findings
from bench.ledgers import ledgers
from bench.plot import plot
from bench.processes import environment
from bench.stage import percentile
from bench.table import LESS, Row, lines
from domain.faults import InputRefused


def test_a_row_states_the_ratio_of_relance_to_the_floor() -> None:
    """The ratio is Relance's figure divided by the floor's; where one is missing there is none."""
    both = Row("drain", "sent", "/s", 8.0, 10.0)
    assert both.ratio == pytest.approx(0.8)
    assert Row("scan", "sent", "/s", scan=3.0).ratio is None
    assert lines([both])[-1].split("|")[-2].strip() == "0.80"


def test_the_same_figure_of_two_sections_is_one_row() -> None:
    """A figure that two sections measure for different arms stands once in the whole table."""
    found = Findings([Row("lifecycles", "reminders", "/s", 4.0, 5.0)])
    found.add(Findings([Row("scan", "reminders", "/s", scan=100.0), Row("scan", "CPU", "ms", scan=1.0)]))
    assert [(row.figure, row.relance, row.scan) for row in found.rows] == [
        ("reminders", 4.0, 100.0),
        ("CPU", None, 1.0),
    ]


def test_the_plot_is_well_formed_and_names_every_compared_figure() -> None:
    """The SVG parses, and says each figure that has a ratio, whatever signs its name has."""
    rows = [Row("a", "sent < all & more", "/s", 8.0, 10.0), Row("b", "cost", "ms", 3.0, 1.0, better=LESS)]
    picture = plot(Findings(rows, {"Relance": [1.0, 2.0], "floor": [0.5, 1.5]}))
    words = {element.text for element in ET.fromstring(picture).iter() if element.text}  # noqa: S314 - our own
    assert {"sent < all & more (/s)", "cost (ms)", "0.80", "3.00"} <= words


def test_no_setting_of_the_person_reaches_a_process_of_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a ledger nor a Temporal server that the environment names is known to what the bench starts."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", "postgresql://production/relance")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "production:7233")
    told = environment(TEMPORAL_NAMESPACE="default")
    assert told["TEMPORAL_NAMESPACE"] == "default"
    assert not {name for name, value in told.items() if "production" in value}


def test_an_unknown_kind_of_ledger_is_refused() -> None:
    """A database that the bench cannot start is refused by its name, with what to write instead."""
    with pytest.raises(InputRefused, match="sqlite, postgresql"), ledgers("oracle"):
        pass


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """The 99th percentile of a hundred values is the second largest, the whole is the largest."""
    values = [float(one) for one in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (49.0, 98.0, 99.0)
