"""Statuses count by their instants: in whatever order they arrive, the same is left of them."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import Because, Rule
from intake.einvoicing.statuses import (
    LABELS,
    REPLACED_BY,
    Reported,
    Word,
    because_of,
    blocking,
    key_of,
    word_of,
)
from intake.readers.cdar import CODES
from tests.lifecycle.conftest import Network, a_status

STORIES: list[tuple[tuple[tuple[str, str | None], ...], dict[str, Any]]] = [
    ((("207", "BY"), ("205", "BY")), {}),
    ((("205", "BY"), ("207", "BY")), {"disputes": 1, "tasks": ["dispute"]}),
    ((("207", "BY"), ("206", "BY")), {"disputes": 1, "tasks": ["dispute"]}),
    ((("207", "BY"), ("205", "SE")), {"disputes": 1, "tasks": ["dispute"]}),
    ((("208", "BY"), ("209", "SE")), {}),
    ((("209", "SE"), ("208", "BY")), {"holds": 1, "tasks": ["missing-piece"]}),
    ((("208", "BY"), ("207", "BY"), ("205", "BY")), {}),
    ((("213", "WK"), ("200", "WK")), {}),
    ((("200", "WK"), ("213", "WK")), {"blocked": ("rejected", "213"), "tasks": ["rejected"]}),
    ((("221", "WK"), ("202", "WK"), ("203", "WK")), {}),
    ((("210", "BY"), ("205", "BY")), {"blocked": ("rejected", "210"), "tasks": ["rejected"]}),
    ((("213", "WK"), ("210", "BY"), ("200", "WK")), {"blocked": ("rejected", "210"), "tasks": ["rejected"]}),
    ((("225", "DL"), ("228", "DL")), {}),
    ((("228", "DL"), ("225", "DL")), {"blocked": ("factored", "225"), "tasks": ["factored"]}),
    ((("225", "DL"), ("226", "DL")), {"tasks": ["factored"]}),
    (
        (("225", "DL"), ("210", "BY"), ("228", "DL")),
        {"blocked": ("rejected", "210"), "tasks": ["rejected"]},
    ),
    ((("211", "BY"), ("212", "SE")), {"paid": "40.00"}),
    ((("212", "SE"), ("212", "SE")), {"paid": "80.00"}),
    ((("207", "BY"), ("212", "SE")), {"disputes": 1, "tasks": ["dispute"], "paid": "40.00"}),
]


async def left(network: Network) -> dict[str, Any]:
    """Tells what is left of all that was reported."""
    return {
        "blocked": await network.blocked(),
        "disputes": len(await network.disputes()),
        "holds": len(await network.holds()),
        "tasks": await network.kinds(),
        "paid": str((await network.porter.account()).balance("F-1").paid),
    }


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("story", "order", "expected"),
    [(story, order, expected) for story, expected in STORIES for order in permutations(range(len(story)))],
)
async def test_the_order_of_arrival_does_not_matter(
    network: Network,
    story: tuple[tuple[str, str | None], ...],
    order: tuple[int, ...],
    expected: dict[str, Any],
) -> None:
    """Whatever arrives first, the later status decides; money counts each time."""
    for turn in order:
        code, reporter = story[turn]
        money = {"amount": "40.00"} if code == "212" else {}
        await network.report(code, f"2026-03-02 10:{turn:02}", reporter=reporter, reasons=("AUTRE",), **money)
    nothing: dict[str, Any] = {"blocked": None, "disputes": 0, "holds": 0, "tasks": [], "paid": "0.00"}
    assert await left(network) == nothing | expected


STATUSES = st.lists(
    st.tuples(st.sampled_from(sorted(CODES)), st.sampled_from(["BY", "SE", "WK", "DL", None])),
    max_size=8,
)


@given(STATUSES, st.randoms())
def test_what_stops_a_case_does_not_depend_on_arrival(
    statuses: list[tuple[str, str | None]], dice: Any
) -> None:
    """The block that follows from statuses at different instants is the same in every order of arrival."""
    known = [
        a_status(code, f"2026-03-02 10:{turn:02}", reporter=reporter)
        for turn, (code, reporter) in enumerate(statuses)
    ]
    reported = [Reported(turn, one, word_of(one)) for turn, one in enumerate(known)]
    shuffled = list(reported)
    dice.shuffle(shuffled)
    assert blocking(shuffled) == blocking(reported)


@given(STATUSES)
def test_a_claim_never_stops_a_case(statuses: list[tuple[str, str | None]]) -> None:
    """What the debtor's side claims in the creditor's place, or the creditor's in his, blocks nothing."""
    known = [a_status(code, reporter=reporter) for code, reporter in statuses]
    words = [Reported(turn, one, word_of(one)) for turn, one in enumerate(known)]
    assert blocking([one for one in words if one.word is not Word.HEEDED]) is None


def test_factoring_comes_before_a_rejection() -> None:
    """While the factor collects, he sees to the rejection too."""
    both = [a_status("210"), a_status("225", "2026-03-02 09:00", reporter="DL")]
    words = [Reported(turn, one, word_of(one)) for turn, one in enumerate(both)]
    found = blocking(words)
    assert found is not None
    assert because_of(found) == Because(rule=Rule.FACTORED, reference="225")


def test_every_code_in_the_rules_exists() -> None:
    """The rules name no status that the standard does not know; both languages name the same ones."""
    named = set(LABELS["en"]) | set(REPLACED_BY) | set().union(*REPLACED_BY.values())
    assert named <= CODES
    assert LABELS["en"].keys() == LABELS["fr"].keys()


def test_what_a_status_is_known_by() -> None:
    """Message, invoice, code and instant make a status one; how its instant is written does not matter."""
    one = a_status("207")
    same = one.model_validate_json(one.model_dump_json())
    assert key_of(same) == key_of(one)
    others = [one.model_copy(update={"number": "F-2"}), one.model_copy(update={"message": "M-2"})]
    others += [a_status("206", message="M-207"), a_status("207", "2026-03-02 10:01")]
    assert len({key_of(other) for other in [one, *others]}) == 5
