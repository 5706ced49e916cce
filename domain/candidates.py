"""What an entry may be for: every reading that its evidence allows, with reasons, ranked.

In: the readings of an entry, their reasons and their scores.
Not in: what the evidence says of debtors and items (comparison.py), and what is certain (matching.py).
"""

from collections.abc import Iterator, Sequence

from domain.comparison import Comparison, Support
from domain.evidence import Strength
from domain.fact import ZERO, Amount, Fact, Key
from domain.fitting import Fit, How, oldest_first, sets_giving, settled
from domain.openitems import OpenItem
from domain.reasons import Reason
from domain.receivable import Allocation
from domain.remittance import slips

MOST = 5
"""The most candidates that a person is shown."""

STATED = frozenset({Reason.REFERENCE, Reason.NUMBER})
"""The reasons for which a reading that leaves an invoice out is the weaker for it."""

FOR_NUMBER = {
    Reason.REFERENCE: 0.50,
    Reason.NUMBER: 0.45,
    Reason.LOOSELY: 0.32,
    Reason.MISTYPED: 0.28,
    Reason.CUT: 0.24,
    Reason.ENDING: 0.22,
}
FOR_PAYER = {
    Reason.ACCOUNT: 0.30,
    Reason.CUSTOMER_REFERENCE: 0.30,
    Reason.NAME: 0.28,
    Reason.SIREN: 0.28,
    Reason.ALIKE: 0.15,
    Reason.OTHER_ACCOUNT: -0.15,
    Reason.OTHER_NAME: -0.10,
}
FOR_AMOUNT = {
    Reason.EXACT: 0.20,
    Reason.DISCOUNT: 0.18,
    Reason.DIFFERENCE: 0.16,
    Reason.EVERYTHING: 0.17,
    Reason.TOGETHER: 0.15,
    Reason.CHARGES: 0.12,
    Reason.PART: 0.07,
    Reason.MORE: 0.06,
    Reason.OLDEST: 0.03,
}
"""What each reason adds to a score. The score ranks candidates; nothing is booked for its sake."""


class Candidate(Fact):
    """Says what an entry may be for: the debtor, what each invoice gets, and what is left on account.

    `recorded` is the reference of the payment on record that may be the same money.
    """

    debtor: Key
    allocations: tuple[Allocation, ...] = ()
    left: Amount = ZERO
    recorded: str | None = None
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()


def ranked(held: Comparison, first: Candidate | None = None) -> tuple[Candidate, ...]:
    """Ranks what an entry may be for, each reading once; `first` is what has been decided."""
    best: dict[tuple[str, tuple[Allocation, ...]], Candidate] = {}
    for candidate in _readings(held):
        key = candidate.debtor, candidate.allocations
        if key not in best or candidate.score > best[key].score:
            best[key] = candidate
    if first is not None:
        best.pop((first.debtor, first.allocations), None)

    def rank(candidate: Candidate) -> tuple[object, ...]:
        ages = [held.directory.item(part.invoice).age for part in candidate.allocations]
        return -candidate.score, len(ages), ages, candidate.debtor

    others = sorted(best.values(), key=rank)
    return ((first, *others) if first is not None else tuple(others))[:MOST]


def _readings(held: Comparison) -> Iterator[Candidate]:
    """Yields every reading that the evidence allows."""
    said, entry = held.said, held.entry
    debtors = {item.debtor for item in held.items(said.mentions)}
    debtors = debtors.union(said.reference, said.account, said.siren, said.name, said.alike, said.told)
    for debtor in sorted(debtors):
        if owed := held.owed_by(debtor):
            yield from _by_number(held, debtor, owed)
            yield from _by_amount(held, debtor, owed)
    for item in held.directory.sharing(entry.currency, entry.amount):
        yield candidate(held, item.debtor, held.fit([item]))
    for item in held.payable(held.items(_slipped(held))) if held.payer is None else ():
        if (found := held.fit([item])).how is not How.MORE:
            yield candidate(held, item.debtor, found)


def _by_number(held: Comparison, debtor: str, owed: Sequence[OpenItem]) -> Iterator[Candidate]:
    """Yields readings of what is named, surely or by a hint, and of what completes it to the amount."""
    hinted = [item for item in owed if item.number in held.hinted(debtor)]
    stated = [item for item in hinted if held.strength(item) >= Strength.STATED]
    sure = [item for item in hinted if held.strength(item) is Strength.STRUCTURED]
    singles = [[item] for item in hinted[: 2 * MOST]]
    for some in (sure, stated, hinted, *singles):
        if some:
            yield candidate(held, debtor, held.fit(some))
    for every in sets_giving(hinted, held.entry.amount).found[:MOST]:
        yield candidate(held, debtor, Fit(How.EXACT, settled(every)))
    rest = held.entry.amount - sum((item.open for item in stated), ZERO)
    if stated and rest > ZERO:
        others = [item for item in owed if item not in stated]
        for more in sets_giving(others, rest).found[:MOST]:
            yield candidate(held, debtor, Fit(How.EXACT, settled([*stated, *more])))


def _by_amount(held: Comparison, debtor: str, owed: Sequence[OpenItem]) -> Iterator[Candidate]:
    """Yields readings of the amount alone, and at last the oldest invoices first."""
    amount = held.entry.amount
    for some in sets_giving(owed, amount).found[:MOST]:
        yield candidate(held, debtor, Fit(How.EXACT, settled(some)))
    near = max(held.tolerance.charges, held.tolerance.cents)
    for item in owed:
        if item.open != amount and (item.discounts or abs(item.open - amount) <= near):
            found = held.fit([item])
            if found.how in {How.DISCOUNT, How.DIFFERENCE, How.CHARGES}:
                yield candidate(held, debtor, found)
    if held.support(debtor) is not Support.AGAINST:
        enough = sum((item.open for item in owed), ZERO) <= amount
        oldest = held.fit(owed) if enough else Fit(How.DOUBTFUL, oldest_first(owed, amount))
        yield candidate(held, debtor, oldest)


def _slipped(held: Comparison) -> set[str]:
    """Finds the documents whose number is one slip away from one that is not in the books."""
    written = sorted(held.said.unknown)[:MOST]
    return {found for whole in written for near in slips(whole) for found in held.directory.numbered(near)}


def candidate(held: Comparison, debtor: str, found: Fit) -> Candidate:
    """Makes a candidate of a reading, with its reasons and its score."""
    numbers = {part.invoice for part in found.allocations}
    hints = {number: hint.reason for number, hint in held.hinted(debtor).items()}
    by_payer = list(dict.fromkeys(held.payer_reasons(debtor)))
    score = min(sum(FOR_PAYER[reason] for reason in by_payer), FOR_PAYER[Reason.ACCOUNT])
    reasons = [*sorted({hints[number] for number in numbers & hints.keys()}), *by_payer]
    if numbers:
        reasons.append(_amount_reason(held, debtor, found))
        stated = {number for number, reason in hints.items() if reason in STATED}
        by_number = sum(FOR_NUMBER[hints[number]] for number in sorted(numbers & hints.keys()))
        score += FOR_AMOUNT[reasons[-1]] + by_number / len(numbers | stated)
    return Candidate(
        debtor=debtor,
        allocations=found.allocations,
        left=held.entry.amount - sum((part.amount for part in found.allocations), ZERO),
        score=round(min(max(score, 0.0), 1.0), 3),
        reasons=tuple(reasons),
    )


def _amount_reason(held: Comparison, debtor: str, found: Fit) -> Reason:
    if found.how is How.EXACT and len(found.allocations) > 1:
        everything = len(found.allocations) == len(held.owed_by(debtor))
        return Reason.EVERYTHING if everything else Reason.TOGETHER
    return Reason.OLDEST if found.how is How.DOUBTFUL else Reason(found.how)
