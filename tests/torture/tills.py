"""How money comes to a creditor whose bank is read: as entries on an account, told by files days later.

In: a story's payments made into bank entries, the days on which files are fetched, what people answer.
Not in: the files themselves (branch.py), and who takes them in (teller.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from tests.torture.moments import Moment

WRITTEN = {"reference": 4, "number": 4, "lower": 1, "name": 2, "nothing": 1}
"""What a payer writes, by weight: the structured reference, the number, the number in small letters without
its hyphens, nothing but his name, nothing at all."""

FILES = {"next": 5, "again": 2, "longer": 2, "apart": 2, "later first": 1}
"""What a file tells, by weight: the days since the last one, the very same file, those of a month, those
after the last one alone, the later half before the earlier one."""

LATEST = 4.0
"""Days after which the file is fetched that tells of an entry."""


def by_bank(draw: Random, moments: Iterable[Moment], *, often: bool) -> list[Moment]:
    """Has the money of a story come by the bank; `often` fetches files whether anything is told or not."""
    told = [one for moment in moments for one in _told(draw, moment)]
    fetched = [one.day + draw.uniform(0.05, LATEST) for one in told if one.kind.startswith("bank_")]
    if often:
        fetched += [draw.uniform(5 * turn, 5 * turn + 5) for turn in range(8)]
    told += [
        Moment(day, "statement", {"what": _drawn(draw, FILES), "turn": turn})
        for turn, day in enumerate(sorted(fetched))
    ]
    for day in fetched:
        if draw.random() < 0.4:
            told.append(Moment(day + draw.uniform(0.05, 3), "answer_bank"))
    if draw.random() < 0.3:
        told.append(Moment(draw.uniform(10, 50), "undo_bank"))
    return told


def _told(draw: Random, moment: Moment) -> Iterator[Moment]:
    """Makes a payment into an entry; one that is reported to a run comes by the bank as well."""
    facts = moment.facts
    if moment.kind == "reverse":
        yield replace(moment, kind="bank_return")
    elif moment.kind in {"pay", "pay_on_account"}:
        named = {key: facts.get(key) for key in ("number", "amount", "reference")}
        how = "name" if moment.kind == "pay_on_account" else _drawn(draw, WRITTEN)
        yield Moment(moment.day, "bank_credit", named | {"how": how})
        if draw.random() < 0.15:
            stranger = {"number": None, "amount": "77.70", "reference": f"X-{facts['reference']}"}
            yield Moment(moment.day, "bank_credit", stranger | {"how": "stranger"})
    else:
        yield moment
        if moment.kind == "report" and facts["amount"] is not None and draw.random() < 0.5:
            named = {key: facts[key] for key in ("number", "amount", "reference")}
            yield Moment(moment.day + draw.uniform(0, 3), "bank_credit", named | {"how": "number"})


def _drawn(draw: Random, weights: dict[str, int]) -> str:
    return draw.choices(tuple(weights), tuple(weights.values()))[0]
