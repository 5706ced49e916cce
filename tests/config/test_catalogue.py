"""Policies from TOML: those that ship climb as they should, and a mistake is told exactly."""

from pathlib import Path

import pytest

from config.catalogue import load_policies, load_policy
from domain.faults import ConfigurationFault
from domain.policy import Channel, Tone

POLICIES = Path(__file__).parents[2] / "config" / "policies"


def test_seed_calendar() -> None:
    """The seed policy is D-10, D-3, D+2, D+30 by e-mail, then the handoff (AC-01)."""
    seed = load_policies(POLICIES)["seed"]
    assert [(step.offset_days, step.channel) for step in seed.steps] == [
        (-10, Channel.EMAIL),
        (-3, Channel.EMAIL),
        (2, Channel.EMAIL),
        (30, Channel.EMAIL),
        (37, Channel.HANDOFF),
    ]


def test_french_policy_rises() -> None:
    """The French policy starts commercial, calls, asks for approval of the formal notice, and hands off."""
    policy = load_policies(POLICIES)["french-b2b"]
    assert [step.key for step in policy.steps] == [
        "D-10", "D-3", "D+2", "D+10", "D+15", "D+30", "formal-notice", "handoff",
    ]  # fmt: skip
    assert [step.tone for step in policy.steps] == sorted(step.tone for step in policy.steps)
    assert policy.steps[0].tone is Tone.COMMERCIAL
    assert policy.step("D+15").channel is Channel.CALL
    assert policy.step("formal-notice").approval
    assert policy.step("formal-notice").channel is Channel.LETTER
    assert {step.key for step in policy.steps if step.payment_period_days == 8} == {"D+30", "formal-notice"}
    assert str(policy.minimum["EUR"]) == "15.00"


def test_titles_are_in_every_language() -> None:
    """Every policy and step that ships has a title in each language of the policy."""
    for policy in load_policies(POLICIES).values():
        for language in policy.languages:
            assert policy.title[language]
            assert all(step.title[language] for step in policy.steps)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'tone = "final"',
            'tone = "angry"',
            r"steps\[3\] \(D\+30\)\.tone = 'angry': tone 'angry' is unknown; use one of",
        ),
        ('tone = "final"', 'tone = "commercial"', r"policy: step 'D\+30' is commercial, softer than 'D\+2'"),
        ("offset_days = 30", "offset_days = 1", r"step 'D\+30' \(day \+1\) must come after step 'D\+2'"),
        (
            "offset_days = 30",
            "offset_days = 9999",
            r"steps\[3\] \(D\+30\)\.offset_days = 9999: .*less than or equal to 730",
        ),
        (
            "offset_days = 30",
            "ofset_days = 30",
            r"steps\[3\] \(D\+30\)\.ofset_days = 30: there is no such field; did you mean 'offset_days'",
        ),
        ('message = "final-notice"', "", r"step 'D\+30' is sent by email but names no message"),
        (
            'channel = "handoff"',
            'channel = "agency"',
            r"steps\[4\] \(handoff\)\.channel = 'agency': .*'handoff'",
        ),
        ("spacing_days = 2", "", r"spacing_days: is missing; write it"),
        ("spacing_days = 2", "spacing_days = 0", r"spacing_days = 0: .*greater than or equal to 1"),
        (
            "spacing_days = 2",
            "spacing_days = 2\nminimum = { EUR = 15.0 }",
            r'minimum\.EUR = 15\.0: write the amount as a string such as "1250\.00"',
        ),
        (
            "spacing_days = 2",
            "spacing_days = 2\nmimimum = {}",
            r"mimimum: there is no such field; did you mean 'minimum'",
        ),
        ("spacing_days = 2", "spacing_days = = 2", r"is not TOML: .*line \d+"),
        ('id = "seed"', 'id = "other"', r"id = 'other': a policy is found by its file name; call it 'seed'"),
        ('key = "D+30"', 'key = "D+2"', r"step 'D\+2' appears twice"),
    ],
)
def test_a_mistake_is_told_exactly(tmp_path: Path, old: str, new: str, told: str) -> None:
    """A mistake in a policy names the file, the field, the value and the remedy."""
    text = (POLICIES / "seed.toml").read_text("utf-8")
    assert old in text
    file = tmp_path / "seed.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigurationFault, match=told) as fault:
        load_policy(file)
    assert str(file) in str(fault.value)


def test_no_policies_is_a_fault(tmp_path: Path) -> None:
    """An empty or missing folder is refused with a remedy."""
    with pytest.raises(ConfigurationFault, match="there is no policy here"):
        load_policies(tmp_path)
    with pytest.raises(ConfigurationFault, match="there is no policy here"):
        load_policies(tmp_path / "nowhere")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """A policy saved in another encoding than UTF-8 is refused with the byte."""
    file = tmp_path / "seed.toml"
    file.write_bytes('id = "é"'.encode("latin-1"))
    with pytest.raises(ConfigurationFault, match="byte 6 is not UTF-8"):
        load_policy(file)
