"""Whether the words of a policy exist, asked before anything happens under it.

In: the check that the worker makes when it starts, without its slow proof.
Not in: the proof on sample invoices (correspondence/proof.py).
"""

from collections.abc import Iterable
from pathlib import Path

from correspondence.wording import Wording
from domain.policy import DunningPolicy


def check_words(policies: Iterable[DunningPolicy], folder: Path) -> None:
    """Raises ConfigurationFault where a step of a policy has no words in one of its languages."""
    wording = Wording.unproven(folder)
    for policy in policies:
        wording.check(policy)
