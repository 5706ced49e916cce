"""How an amount falls on open items: all of them, a part, or with a difference that may be let go.

In: one amount on given items, with discounts, charges and cents; the sets of items that give an amount.
Not in: which items are meant (evidence.py, matching.py).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from math import comb
from typing import NamedTuple

from domain.fact import ZERO, cents
from domain.openitems import OpenItem
from domain.receivable import Allocation, Allowance, Tolerance

ALL_SETS = 11
"""Up to so many items every set of them is looked at; beyond, only single ones, runs and pairs are."""

FEW = 5
"""Of so few items, a set that alone gives the amount is no accident."""

CHANCE = Decimal("0.0005")
"""The most that a set of items may owe to chance: sets to choose from, for each amount that could be."""

ROUND = Decimal(10)
MOST_CHARGES = Decimal("0.2")
"""No bank on the way keeps more than this share of a payment."""


class How(StrEnum):
    """Says how an amount meets what is open."""

    EXACT = "exact"
    DISCOUNT = "discount"
    DIFFERENCE = "difference"
    CHARGES = "charges"
    PART = "part"
    MORE = "more"
    DOUBTFUL = "doubtful"


SETTLES = frozenset({How.EXACT, How.DISCOUNT, How.DIFFERENCE})
"""The ways in which an amount meets what is open so closely that it confirms which items are meant."""


class Fit(NamedTuple):
    """Holds what each item gets, and what is left of the amount."""

    how: How
    allocations: tuple[Allocation, ...]
    left: Decimal = ZERO


def fit(items: Sequence[OpenItem], amount: Decimal, day: date, tolerance: Tolerance, *, charges: bool) -> Fit:
    """Lets an amount fall on items of one debtor, the oldest first.

    `day` is when the money was received; `charges` says that banks on the way may have kept something.
    """
    missing = _sum(items) - amount
    if missing == ZERO:
        return Fit(How.EXACT, settled(items))
    if missing < ZERO:
        return Fit(How.DIFFERENCE if -missing <= tolerance.cents else How.MORE, settled(items), -missing)
    discounted = _discounted(items, missing, day, tolerance)
    if discounted is not None:
        return Fit(How.DISCOUNT, discounted)
    if missing <= tolerance.cents and missing < max(item.open for item in items):
        return Fit(How.DIFFERENCE, _allowing(items, missing, Allowance.DIFFERENCE))
    kept = charges and missing <= tolerance.charges
    if kept and _looks_kept(items, amount, missing, tolerance):
        return Fit(How.CHARGES, _allowing(items, missing, Allowance.CHARGES))
    doubtful = kept or _of_a_later_one(items, amount)
    return Fit(How.DOUBTFUL if doubtful else How.PART, oldest_first(items, amount))


def discounts_in_time(item: OpenItem, day: date, tolerance: Tolerance) -> tuple[Decimal, ...]:
    """Lists the discounts that money received on a day may take, on an item of which nothing is paid yet."""
    if item.open != item.total:
        return ()
    grace = timedelta(days=tolerance.discount_days)
    return tuple(_rate(item, offer.percent) for offer in item.discounts if day <= offer.until + grace)


def _rate(item: OpenItem, percent: Decimal) -> Decimal:
    return cents(item.total * percent / 100)


def settled(items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    """Gives each item all that is open on it."""
    return tuple(Allocation(invoice=item.number, amount=item.open) for item in items)


def _allowing(items: Sequence[OpenItem], missing: Decimal, why: Allowance) -> tuple[Allocation, ...]:
    """Settles items and lets what is missing go on the largest of them."""
    bearer = max(items, key=lambda item: (item.open, item.number))
    return tuple(
        Allocation(invoice=item.number, amount=item.open - missing, allowed=missing, allowance=why)
        if item is bearer
        else Allocation(invoice=item.number, amount=item.open)
        for item in items
    )


def _discounted(
    items: Sequence[OpenItem], missing: Decimal, day: date, tolerance: Tolerance
) -> tuple[Allocation, ...] | None:
    """Finds the one way in which discounts in time explain what is missing; None where there is none.

    A slip of cents, from rounding or from VAT worked out apart, is let go with the discount.
    """
    offers = [(item.number, rates) for item in items if (rates := discounts_in_time(item, day, tolerance))]
    if not offers or len(offers) > ALL_SETS:
        return None
    ways: list[dict[str, Decimal]] = [{}]
    for number, rates in offers:
        ways += [{**way, number: rate} for way in ways for rate in rates]
    close = [way for way in ways if way and abs(sum(way.values()) - missing) <= tolerance.cents]
    exact = [way for way in close if sum(way.values()) == missing] or close
    if len(exact) != 1:
        return None
    taken = exact[0]
    taken[max(taken)] += missing - sum(taken.values())
    if any(taken.get(item.number, ZERO) >= item.open for item in items):
        return None
    return tuple(
        Allocation(
            invoice=item.number,
            amount=item.open - taken[item.number],
            allowed=taken[item.number],
            allowance=Allowance.DISCOUNT,
        )
        if item.number in taken
        else Allocation(invoice=item.number, amount=item.open)
        for item in items
    )


def _looks_kept(items: Sequence[OpenItem], amount: Decimal, missing: Decimal, tolerance: Tolerance) -> bool:
    """Tells whether banks on the way may have kept what is missing.

    A discount that came too late is the payer's doing, and so is a round sum for one that is not.
    """
    late = {_rate(item, offer.percent) for item in items for offer in item.discounts}
    late.add(sum((_rate(item, offer.percent) for item in items for offer in item.discounts[:1]), ZERO))
    by_payer = any(abs(missing - rate) <= tolerance.cents for rate in late if rate)
    rounded = amount % ROUND == 0 and missing % ROUND != 0
    return missing <= amount * MOST_CHARGES and not by_payer and not rounded


def _of_a_later_one(items: Sequence[OpenItem], amount: Decimal) -> bool:
    """Tells whether an amount is exactly what some of the items ask for, and not the oldest of them."""
    sums, oldest = ZERO, set()
    for item in items:
        sums += item.open
        oldest.add(sums)
    if amount in oldest:
        return False
    return any(item.open == amount for item in items)


def oldest_first(items: Sequence[OpenItem], amount: Decimal) -> tuple[Allocation, ...]:
    """Lets an amount pay one item after the other, as far as it goes."""
    parts, left = [], amount
    for item in items:
        part = min(left, item.open)
        if part > ZERO:
            parts.append(Allocation(invoice=item.number, amount=part))
            left -= part
    return tuple(parts)


# Sets of items that give an amount


class Sets(NamedTuple):
    """Holds the sets of items that give an amount, the likeliest first.

    `certain` says that no other set gives the amount, and that chance does not explain this one.
    """

    found: tuple[tuple[OpenItem, ...], ...]
    certain: bool


def sets_giving(items: Sequence[OpenItem], amount: Decimal) -> Sets:
    """Finds the items of one debtor, given by age, that together give an amount.

    Single items and runs come first: all that is owed, the oldest so many, the invoices of a month. Of a
    few items every set is looked at; of many, only pairs beside them.
    """
    singles = [(item,) for item in items if item.open == amount]
    runs = [run for run in _runs(items, amount) if len(run) > 1]
    others = _pairs(items, amount) if len(items) > ALL_SETS else _every(items, amount)
    found = tuple(dict.fromkeys([*singles, *runs, *others]))
    if len(found) != 1 or _exchangeable(items, found[0]):
        return Sets(found, certain=False)
    size = len(found[0])
    plain = size in {1, len(items)} or len(items) <= FEW
    choice = 2 * len(items) if runs else sum(comb(len(items), count) for count in range(1, size + 1))
    return Sets(found, certain=plain or not _by_chance(items, amount, choice))


def _exchangeable(items: Sequence[OpenItem], some: Sequence[OpenItem]) -> bool:
    """Tells whether an item of a set could be exchanged for another of the same amount."""
    amounts = {item.open for item in some}
    return any(item.open in amounts for item in items if item not in some)


def _runs(items: Sequence[OpenItem], amount: Decimal) -> Iterator[tuple[OpenItem, ...]]:
    """Yields what people pay together and what gives the amount."""
    for order in (list(items), sorted(items, key=lambda item: (item.issue_date, item.number))):
        reached = ZERO
        for size, item in enumerate(order, start=1):
            reached += item.open
            if reached == amount:
                yield tuple(sorted(order[:size], key=lambda item: item.age))
    months: dict[date, list[OpenItem]] = {}
    for item in items:
        months.setdefault(item.issue_date.replace(day=1), []).append(item)
    for month in months.values():
        if _sum(month) == amount:
            yield tuple(month)


def _pairs(items: Sequence[OpenItem], amount: Decimal) -> Iterator[tuple[OpenItem, ...]]:
    """Yields the pairs of items that give the amount."""
    with_open: dict[Decimal, list[OpenItem]] = {}
    for item in items:
        with_open.setdefault(item.open, []).append(item)
    for item in items:
        for other in with_open.get(amount - item.open, ()):
            if item.age < other.age:
                yield item, other


def _every(items: Sequence[OpenItem], amount: Decimal) -> Iterator[tuple[OpenItem, ...]]:
    """Yields every set of items that gives the amount, the smallest first."""
    sums: dict[Decimal, list[tuple[OpenItem, ...]]] = {ZERO: [()]}
    for item in items:
        grown = [(reached + item.open, list(sets)) for reached, sets in sums.items()]
        for reached, sets in grown:
            if reached <= amount:
                sums.setdefault(reached, []).extend((*some, item) for some in sets)
    yield from sorted(sums.get(amount, []), key=len)


def _by_chance(items: Sequence[OpenItem], amount: Decimal, choice: int) -> bool:
    """Tells whether so many sets could be chosen that one may give any amount by accident.

    Round amounts are fewer than odd ones, so they are hit more easily.
    """
    whole = f"{amount:.2f}".replace(".", "")
    amounts = _sum(items).scaleb(2 - (len(whole) - len(whole.rstrip("0"))))
    return choice > CHANCE * amounts


def _sum(items: Sequence[OpenItem]) -> Decimal:
    return sum((item.open for item in items), ZERO)
