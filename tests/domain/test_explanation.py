"""Every reason can be said in French and in English."""

import re
from datetime import timedelta

import pytest

from domain.actions import Because, Rule
from domain.explanation import SENTENCES, explain
from domain.schedule import next_action
from tests.domain.build import account, at, case, contact, day, done, hold, invoice, ladder


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_its_sentences(rule: Rule) -> None:
    """Each rule has one sentence in French and another in English, with the same figures in it."""
    french, english = SENTENCES["fr"][rule], SENTENCES["en"][rule]
    assert french
    assert english
    assert french != english
    assert set(re.findall(r"\{\w+\}", french)) == set(re.findall(r"\{\w+\}", english))


@pytest.mark.parametrize("language", ["fr", "en", "de"])
@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_is_explained(rule: Rule, language: str) -> None:
    """With its figures, no sentence leaves a blank; a language without sentences is answered in English."""
    because = Because(rule=rule, planned=day("2026-03-04"), until=day("2026-03-09"), days=3)
    said = explain(because, language)
    assert said
    assert not set("{}?") & set(said)
    assert "None" not in said
    if language == "de":
        assert said == explain(because, "en")


def test_dates_are_written_as_the_language_writes_them() -> None:
    """The same date is 09/03/2026 in French and 2026-03-09 in English."""
    because = Because(rule=Rule.HOLD, until=day("2026-03-09"))
    assert explain(because, "fr") == "suspendu jusqu'au 09/03/2026 inclus"
    assert explain(because, "en") == "held until 2026-03-09, that day included"


RULES = ladder(2, 10, spacing_days=3)
BEHIND = case(invoice(due="2026-03-02"), RULES, done(RULES, "1", "2026-03-11", deadline=day("2026-03-20")))
REASONS = {
    Rule.CALENDAR: account(RULES, invoice(due="2026-03-15")),
    Rule.LATE: account(RULES, invoice(due="2026-03-02")),
    Rule.SPACING: account(RULES, case(invoice(due="2026-03-02"), RULES, done(RULES, "1", "2026-03-11"))),
    Rule.DEADLINE: account(RULES, BEHIND),
    Rule.CONTACT_CAP: account(
        RULES, invoice(due="2026-03-02"), contacts=(contact("2026-03-12", RULES.steps[0].tone, "F-9"),)
    ),
    Rule.OPERATOR: account(RULES, case(invoice(due="2026-03-15"), RULES, hurried="1")),
    Rule.HOLD: account(RULES, invoice(due="2026-03-02"), holds=(hold("2026-03-01", "2026-04-01"),)),
}


@pytest.mark.parametrize("rule", REASONS)
def test_what_the_rules_decide_can_be_said(rule: Rule) -> None:
    """The reasons that planning really gives carry the figures that their sentences need."""
    now = at("2026-03-12 08:00")
    action = next_action(REASONS[rule], "F-1", RULES, now)
    assert action.because.rule is rule
    assert action.at is not None
    assert action.at < now + timedelta(days=60)
    for language in ("fr", "en"):
        assert "?" not in explain(action.because, language)
        assert "None" not in explain(action.because, language)
