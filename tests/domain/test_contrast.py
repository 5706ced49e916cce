"""Two policies side by side: which steps answer one another, and in what they differ."""

from domain.contrast import pairs, rules_differing
from tests.domain.build import policy, step


def keys(left: object, right: object) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
    """Gives the pairs by the keys of their steps."""
    return [
        (one.left.key if one.left else None, one.right.key if one.right else None, one.differs)
        for one in pairs(left, right)  # type: ignore[arg-type] # the tests hand in policies
    ]


def test_a_policy_is_like_itself() -> None:
    """Nothing differs between a policy and itself."""
    one = policy(step("first", 2), step("second", 30))
    assert [pair.same for pair in pairs(one, one)] == [True, True]
    assert rules_differing(one, one) == ()


def test_steps_answer_one_another_by_key_then_by_day() -> None:
    """The same key makes a pair wherever it moved to; else the same day does; the rest stands alone."""
    left = policy(step("first", 2), step("soft", 10), step("last", 30))
    right = policy(step("early", -5), step("first", 4), step("other", 10))
    assert keys(left, right) == [
        (None, "early", ()),
        ("first", "first", ("offset_days",)),
        ("soft", "other", ()),
        ("last", None, ()),
    ]


def test_what_a_step_leaves_open_its_policy_decides() -> None:
    """A step differs where its policy moves days otherwise, although both steps say nothing of it."""
    left, right = policy(step("first", 2)), policy(step("first", 2), roll="next", spacing_days=9)
    assert keys(left, right) == [("first", "first", ("roll",))]
    assert set(rules_differing(left, right)) == {"roll", "spacing_days"}
