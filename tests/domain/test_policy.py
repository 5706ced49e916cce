"""What makes a policy refused, and what names its version."""

import json
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from domain.policy import DunningPolicy, SendingWindow
from tests.domain.build import handoff, ladder, policy, seed_policy, step


def refused(*steps: dict[str, Any], **more: Any) -> str:
    """Gives the message with which a policy is refused."""
    with pytest.raises(ValidationError) as caught:
        policy(*steps, **more)  # type: ignore[arg-type]
    return str(caught.value)


def rung(key: str, offset_days: int, tone: str = "courteous", **more: Any) -> dict[str, Any]:
    """Gives a step by e-mail as a policy file states it."""
    return {
        "key": key,
        "offset_days": offset_days,
        "channel": "email",
        "tone": tone,
        "message": "reminder",
    } | more


HANDOFF = {"key": "out", "offset_days": 40, "channel": "handoff", "tone": "recovery"}


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([rung("mild", 2, "firm"), rung("soft", 9, "courteous")], "'soft' is courteous, softer than 'mild'"),
        ([rung("twin", 2), rung("twin", 9)], "'twin' appears twice"),
        ([rung("late", 9), rung("early", 2)], "'early' (day +2) must come after step 'late' (day +9)"),
        ([rung("one", 2), rung("same", 2)], "'same' (day +2) must come after step 'one' (day +2)"),
        (
            [rung("ten", 10), rung("issued", 20, anchor="issue"), rung("three", 3)],
            "'three' (day +3) must come after step 'ten' (day +10)",
        ),
        ([rung("before", -3, required=True)], "'before' comes before the due date"),
        (
            [rung("harsh", -3, "firm")],
            "'harsh' comes before the due date",
        ),
        ([HANDOFF, rung("after", 50, "recovery")], "'after'"),
        ([HANDOFF, HANDOFF | {"key": "again", "offset_days": 60}], "'again' follows the handoff 'out'"),
        ([rung("mute", 2, message="")], "'mute' is sent by email"),
        ([rung("loop", 2, fallback="email")], "'loop' cannot fall back from email to email"),
        ([rung("leap", 2, fallback="handoff")], "'leap' cannot fall back from email to handoff"),
        ([rung("grim", 2, "recovery")], "'grim': the handoff"),
        ([HANDOFF | {"tone": "formal"}], "'out': the handoff"),
    ],
)
def test_a_policy_that_does_not_climb_is_refused(steps: list[dict[str, Any]], named: str) -> None:
    """A ladder that falls, repeats, turns back or outlives its handoff is refused, and the step named."""
    assert named in refused(*steps)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"payment_period_days": 400}, "steps.1.payment_period_days"),  # AC-15
        ({"offset_days": -91}, "steps.1.offset_days"),
        ({"offset_days": 731}, "steps.1.offset_days"),
        ({"tone": "furious"}, "'furious'"),
        ({"key": "two words"}, "steps.1.key"),
        ({"colour": "red"}, "steps.1.colour"),
        ({"when": {"min_balance": 100.0}}, "steps.1.when.min_balance"),
    ],
)
def test_ac15_a_field_out_of_bounds_is_refused(more: dict[str, Any], place: str) -> None:
    """A payment period of 400 days, like any field out of its bounds, is refused at the rung it stands on."""
    assert place in refused(rung("first", 2), rung("second", 9) | more)


@pytest.mark.parametrize("missing", ["key", "offset_days", "channel", "tone"])
def test_a_repeated_step_without_a_field_is_refused(missing: str) -> None:
    """A repeated step that lacks a field is refused like any other, by the field's place."""
    lame = rung("again", 2, repeat={"every_days": 14, "times": 2})
    del lame[missing]
    assert f"steps.0.{missing}" in refused(lame)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"opens": "17:00", "closes": "09:00"}, "window opens at 17:00"),
        ({"days": ()}, "never meets a business day"),
        (
            {"opens": "09:00", "closes": "10:00", "spread_minutes": 60},
            "a window of 60 minutes",
        ),
        ({"days": (8,)}, "days.0"),
    ],
)
def test_a_window_in_which_nothing_could_leave_is_refused(hours: dict[str, Any], said: str) -> None:
    """A window must open before it closes, on at least one weekday, with room for its spread."""
    with pytest.raises(ValidationError) as caught:
        SendingWindow.model_validate(hours)
    assert said in str(caught.value)


def test_repeated_steps_are_written_out() -> None:
    """A step repeated twice every seven days is three steps, seven days apart, with keys of their own."""
    rules = policy(rung("again", 2, repeat={"every_days": 7, "times": 2}), rung("last", 30))  # type: ignore[arg-type]
    assert [(one.key, one.offset_days) for one in rules.steps] == [
        ("again", 2),
        ("again-r1", 9),
        ("again-r2", 16),
        ("last", 30),
    ]
    assert all(one.repeat is None for one in rules.steps)


def test_a_version_survives_json_and_toml() -> None:
    """A policy read back from JSON, or from TOML with the same content, has the same version."""
    source = """
        id = "small"
        spacing_days = 3
        catch_up = "next_required"
        [title]
        fr = "Petite"
        en = "Small"
        [minimum]
        EUR = "5"
        [window]
        opens = 09:30:00
        closes = 16:00:00
        [[steps]]
        key = "D+2"
        offset_days = 2
        channel = "email"
        tone = "courteous"
        message = "reminder"
        when = { min_balance = "10.00" }
        [[steps]]
        key = "again"
        offset_days = 9
        channel = "email"
        tone = "firm"
        message = "reminder"
        repeat = { every_days = 7, times = 2 }
    """
    rules = DunningPolicy.model_validate(tomllib.loads(source))
    again = DunningPolicy.model_validate(json.loads(json.dumps(rules.model_dump(mode="json"))))
    assert (again, again.version) == (rules, rules.version)
    assert DunningPolicy.model_validate_json(rules.model_dump_json()).version == rules.version
    assert rules.version.startswith("small@")


def test_a_version_names_the_content() -> None:
    """Any change of a policy gives another version; the same content gives the same one."""
    versions = {ladder(2, 9).version, ladder(2, 10).version, ladder(2, 9, spacing_days=2).version}
    assert len(versions) == 3
    assert ladder(2, 9).version in versions


def test_what_must_be_taken() -> None:
    """After the due date a step is required unless it says otherwise; contextual policies reverse that."""
    strict = policy(step("before", -3), step("after", 2), step("may", 5, required=False))
    assert [strict.must_take(one) for one in strict.steps] == [False, True, False]
    loose = policy(
        step("before", -3), step("after", 2), step("must", 5, required=True), catch_up="contextual"
    )
    assert [loose.must_take(one) for one in loose.steps] == [False, False, True]


def test_the_seed_policy_climbs() -> None:
    """The seeds' calendar is a valid ladder of five rungs that ends with the handoff."""
    rules = seed_policy()
    assert [rules.index(one.key) for one in rules.steps] == [0, 1, 2, 3, 4]
    assert rules.steps[-1] == handoff(45)
    with pytest.raises(KeyError):
        rules.step("D+99")
