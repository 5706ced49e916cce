"""Agreements read from JSON: a malformed one is refused in words, whatever is wrong with it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.events import AgreementMade
from domain.faults import InputRefused
from intake.readers.json_rows import event_of

PROMISE = {
    "kind": "promise", "id": "P-1", "invoices": ["F-1"], "made_on": "2026-03-02", "pay_by": "2026-03-16",
}  # fmt: skip
FIELDS = sorted({*PROMISE, "amount", "instalments", "until", "reason", "approved", "lines", "owed"})

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["plan", "dispute", "5.00", "2026-03-20"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "gift"}, "agreement.kind = 'gift': is no kind of agreement; use one of dispute"),
        ({"kind": None}, "agreement.kind"),
        ({"amout": "5.00"}, "agreement.amout = '5.00': there is no such field; did you mean amount?"),
        ({"amount": 5}, "agreement.amount = '5': write the amount as a string"),
        ({"pay_by": "16/03/2026"}, "agreement.pay_by = '16/03/2026': is not a date"),
        ({"pay_by": "2026-03-01"}, "agreement = 'P-1': a promise of 2026-03-02"),
        ({"id": "é"}, "agreement.id = 'é': is not an identifier"),
    ],
)
def test_a_malformed_agreement_is_refused_in_words(more: dict[str, Any], said: str) -> None:
    """A row that is no agreement says which field of it is wrong, its value and the remedy."""
    row = {"type": "agreement.made", "creditor": "acme", "agreement": PROMISE | more}
    event = event_of(row, 7)
    assert isinstance(event, InputRefused)
    assert str(event).startswith(f"line 7: {said}")


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4), st.sets(st.sampled_from(FIELDS)))
def test_nothing_that_is_stated_of_an_agreement_breaks_the_reader(
    more: dict[str, Any], dropped: set[str]
) -> None:
    """Whatever stands in the fields of an agreement, it is read or refused, with a field of the agreement."""
    stated = {name: value for name, value in (PROMISE | more).items() if name not in dropped}
    event = event_of({"type": "agreement.made", "creditor": "acme", "agreement": stated}, 1)
    if isinstance(event, InputRefused):
        assert event.field.startswith("agreement")
        assert event.remedy
    else:
        assert isinstance(event, AgreementMade)
