"""The auditor's own sums, against those of the rules: two ways to work out what is owed, one answer."""

import pytest

from tests.audit.ledgers import Ledgers


@pytest.mark.parametrize("seed", range(40))
def test_both_owe_the_same(seed: int) -> None:
    """Whatever is billed, paid, let go, returned, credited, agreed and given up: both sides owe the same."""
    ledgers = Ledgers(seed)
    for turn in range(25):
        ledgers.step(turn)
        account = ledgers.account()
        net = ledgers.story.net(ledgers.invoices)
        for number in ledgers.invoices:
            balance = account.balance(number)
            assert (ledgers.story.open(number), net[number]) == (balance.open, balance.net), (turn, number)
