"""What the auditor makes of agreements, against the rules: the same answers, found another way."""

from datetime import timedelta

import pytest

from domain.fact import ZERO
from tests.audit.ledgers import FIRST, Ledgers

DAYS = [FIRST + timedelta(days=day) for day in range(0, 60, 4)]


@pytest.mark.parametrize("seed", range(30))
def test_both_let_ask_on_the_same_days(seed: int) -> None:
    """Whatever is agreed, contested, decided and paid: both sides let ask for the same on the same days."""
    ledgers = Ledgers(seed)
    for turn in range(25):
        ledgers.step(turn)
        account, story = ledgers.account(), ledgers.story
        for number in ledgers.invoices:
            assert story.pacts.unanswered(number) == account.contested(number)
            broken_on = story.pacts.broken_on(number, story.money, story.grace)
            assert broken_on == account.broken_on(number), (turn, number)
            for day in DAYS:
                asked = account.claimable(number, day)
                assert story.askable(number, day) == asked, (turn, number, day)
                if account.balance(number).net <= ZERO:
                    continue
                suspended = account.suspended_on(number, day) is not None
                kept_back = story.suspended_by(number, day) is not None or story.is_debited(number, day)
                assert kept_back == suspended, (turn, number, day)


@pytest.mark.parametrize("seed", range(30, 60))
def test_both_judge_agreements_alike(seed: int) -> None:
    """Pending, running, kept, kept in part, broken, run out or ended: on every day both sides say so."""
    ledgers = Ledgers(seed)
    for turn in range(25):
        ledgers.step(turn)
        account, story = ledgers.account(), ledgers.story
        for name, agreed in ledgers.agreements.items():
            pact = story.pacts.made[name]
            for day in DAYS:
                told = pact.stands(day, story.money, story.grace)
                assert told == account.standing(agreed, day).value, (turn, name, day)
