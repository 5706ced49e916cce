"""One entry held against the books: who paid, which invoices are meant, how the amount falls on them.

In: what the evidence says of each debtor and each item. Not in: how the text is read (evidence.py), the
candidates made of it (candidates.py), and which of them is certain (matching.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from domain.bank import BankEntry
from domain.evidence import Evidence, Strength
from domain.fact import ZERO
from domain.fitting import SETTLES, Fit, fit
from domain.openitems import Directory, OpenItem, Recorded
from domain.reasons import Reason
from domain.receivable import Tolerance
from domain.remittance import LETTERS, compact, number_parts, one_slip

MOST_LOOKED_AT = 400
"""Of a debtor who owes more invoices than these, the oldest are looked at."""

MOST_PARTS = 30
"""Of a text with more pieces of numbers than these, not all are held against every invoice."""

CUT_OFF = 3
"""The most characters that may be missing at the end of a number, and the fewest that stand for one."""


class Support(IntEnum):
    """Says how what is known of the payer agrees with a debtor."""

    AGAINST = -1
    NONE = 0
    ALIKE = 1
    SURE = 2


class Hint(NamedTuple):
    """Says by what a text hints at an item, and by which of its parts."""

    reason: Reason
    part: str


@dataclass
class Comparison:
    """Holds one entry against the books."""

    entry: BankEntry
    directory: Directory
    tolerance: Tolerance
    said: Evidence
    _owed: dict[str, tuple[OpenItem, ...]] = field(default_factory=dict)
    _hinted: dict[str, dict[str, Hint]] = field(default_factory=dict)

    # Who paid

    @cached_property
    def payer(self) -> str | None:
        """Tells the debtor who paid, where that is certain: all that points to anybody points to one.

        A company may pay for its group: where the payer's name is like another debtor's, or the text holds
        another debtor's name, nobody is certain.
        """
        told = [who for who in self._pointers if who]
        common = frozenset.intersection(*told) if told else frozenset()
        if len(common) != 1 or any(
            who and who.isdisjoint(common) for who in (self.said.alike, self.said.told)
        ):
            return None
        return next(iter(common))

    @property
    def _pointers(self) -> tuple[frozenset[str], ...]:
        return self.said.reference, self.said.account, self.said.siren, self.said.name

    @property
    def by_name_alone(self) -> bool:
        """Tells whether nothing but a name points to the payer."""
        return self.payer is not None and not any(self._pointers[:-1])

    @property
    def from_new_account(self) -> bool:
        """Tells whether the payer is known to use accounts of which this is none."""
        known = self.directory.accounts_of(self.payer) if self.payer is not None else ()
        return bool(known and self.entry.payer_account) and self.payer not in self.said.account

    def support(self, debtor: str) -> Support:
        """Weighs what is known of the payer for a debtor."""
        if debtor == self.payer:
            return Support.SURE
        if any(debtor in who for who in self._pointers):
            return Support.ALIKE
        if any(self._pointers):
            return Support.AGAINST
        return Support.ALIKE if debtor in self.said.alike | self.said.told else Support.NONE

    def payer_reasons(self, debtor: str) -> Iterable[Reason]:
        """Yields what speaks for a debtor as the payer, and against."""
        said = self.said
        for who, reason in (
            (said.reference, Reason.CUSTOMER_REFERENCE),
            (said.account, Reason.ACCOUNT),
            (said.siren, Reason.SIREN),
            (said.name, Reason.NAME),
        ):
            if debtor in who:
                yield reason
        if debtor not in said.name and debtor in said.alike | said.told:
            yield Reason.ALIKE
        if said.account and debtor not in said.account:
            yield Reason.OTHER_ACCOUNT
        elif said.name and debtor not in said.name:
            yield Reason.OTHER_NAME

    # Which invoices

    def owed_by(self, debtor: str) -> tuple[OpenItem, ...]:
        """Lists what a debtor owed in the currency of the entry on its day, the oldest first."""
        if debtor not in self._owed:
            owed = self.directory.owed_by(debtor, self.entry.currency)
            known = (item for item in owed if item.issue_date <= self.entry.booked_on)
            self._owed[debtor] = tuple(islice(known, MOST_LOOKED_AT))
        return self._owed[debtor]

    def items(self, targets: Iterable[str]) -> tuple[OpenItem, ...]:
        """Lists the items of documents and maturities, the oldest first, each once."""
        found = {item.number: item for target in targets for item in self.directory.items_of(target)}
        return tuple(sorted(found.values(), key=lambda item: item.age))

    def payable(self, items: Iterable[OpenItem]) -> tuple[OpenItem, ...]:
        """Keeps those of some items that are open in the currency of the entry."""
        return tuple(
            item
            for item in items
            if item.open > ZERO and not item.closed and item.currency == self.entry.currency
        )

    def strength(self, item: OpenItem) -> int:
        """Says how surely an item is named; 0 where it is not."""
        return max(self.said.mentions.get(item.document, 0), self.said.mentions.get(item.number, 0))

    def hinted(self, debtor: str) -> dict[str, Hint]:
        """Finds which of a debtor's open items the text may mean, and by what."""
        if debtor not in self._hinted:
            # Without a piece of a number in the text, only what is named can be meant.
            named = self.items(self.said.mentions)
            meant = (
                self.owed_by(debtor)
                if self._rests
                else [item for item in self.owed_by(debtor) if item in named]
            )
            self._hinted[debtor] = {item.number: hint for item in meant if (hint := self._hint(item))}
        return self._hinted[debtor]

    def _hint(self, item: OpenItem) -> Hint | None:
        strength = self.strength(item)
        if strength:
            return Hint((Reason.LOOSELY, Reason.NUMBER, Reason.REFERENCE)[strength - 1], "")
        whole, digits, ending = number_parts(item.document)
        for rest, tail in self._rests:
            if len(tail) > CUT_OFF and (one_slip(rest, whole) or one_slip(tail, digits)):
                return Hint(Reason.MISTYPED, rest)
            if any(long.startswith(rest) and len(long) - len(rest) <= CUT_OFF for long in (whole, digits)):
                return Hint(Reason.CUT, rest)
            if rest.isdigit() and (
                rest.lstrip("0") == ending or (len(rest) >= CUT_OFF and digits.endswith(rest))
            ):
                return Hint(Reason.ENDING, rest)
        return None

    @cached_property
    def _rests(self) -> tuple[tuple[str, str], ...]:
        """Pairs what may be a part of a number with its digits."""
        return tuple((rest, rest.lstrip(LETTERS)) for rest in sorted(self.said.rests)[:MOST_PARTS])

    def unexplained(self, items: Iterable[OpenItem]) -> bool:
        """Tells whether the text states a number that none of the items explains."""
        hints = [self._hint(item) for item in items]
        parts = {hint.part for hint in hints if hint is not None and hint.part}
        return any(not any(whole.endswith(part) for part in parts) for whole in self.said.unknown)

    @cached_property
    def charged(self) -> bool:
        """Tells whether banks on the way may have kept something: from abroad, or if the text says so."""
        account = compact(self.entry.payer_account or "")
        abroad = account[:2].isalpha() and account[2:4].isdigit() and account[:2] != self.directory.country
        return abroad or self.said.charges

    def fit(self, items: Sequence[OpenItem]) -> Fit:
        """Lets the amount fall on some items of one debtor."""
        day = min(self.entry.booked_on, self.entry.value_on or self.entry.booked_on)
        return fit(items, self.entry.amount, day, self.tolerance, charges=self.charged)

    def records(self) -> list[Recorded]:
        """Lists the payments on record that this money may be: for what is named, else from who paid."""
        stated, loose = (
            {name for item in self.items(self.said.named(least)) for name in (item.document, item.number)}
            for least in (Strength.STATED, Strength.LOOSE)
        )
        equal = self.directory.on_record(self.entry.currency, self.entry.amount, self.entry.booked_on)
        likely = [
            one
            for one in equal
            if self.support(one.debtor) is not Support.AGAINST
            and not (stated and one.invoices and stated.isdisjoint(one.invoices))
        ]
        named = [
            one
            for one in likely
            if not (loose if self.support(one.debtor) >= Support.ALIKE else stated).isdisjoint(one.invoices)
        ]
        return named or [one for one in likely if one.debtor == self.payer]

    def mistaken(self, items: Sequence[OpenItem]) -> bool:
        """Tells whether a number as written may be a slip for another invoice of which this amount is open.

        Where the amount is too common for all of its invoices to be looked at, only the payer's are.
        """
        currency, amount = self.entry.currency, self.entry.amount
        others = self.directory.sharing(currency, amount)
        if self.directory.common(currency, amount):
            if any(self.support(item.debtor) is not Support.SURE for item in items):
                return True
            others = tuple(item for item in self.owed_by(items[0].debtor) if item.open == amount)
        meant = {compact(item.document) for item in items}
        written = {compact(item.document) for item in others} - meant
        return any(one_slip(number, other) for number in meant for other in written)

    @cached_property
    def meant_elsewhere(self) -> bool:
        """Tells whether a number in the text may be meant for another debtor, who owes just this amount."""
        currency, amount = self.entry.currency, self.entry.amount
        if self.directory.common(currency, amount):
            return bool(self.said.rests)
        shared = self.directory.sharing(currency, amount)
        others = [item for item in self.payable(self.items(self.said.mentions)) if item.debtor != self.payer]
        groups = [
            [item for item in others if item.debtor == whose] for whose in {one.debtor for one in others}
        ]
        return any(item.debtor != self.payer and self._hint(item) for item in shared) or any(
            self.fit(group).how in SETTLES for group in groups
        )
