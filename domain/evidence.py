"""What a bank entry says, held against the books: which invoices it names, how surely, and who paid.

In: the mentions of invoices with their strength, numbers that are not in the books, what tells the debtor.
Not in: amounts (fitting.py), and what is decided (matching.py).

A number counts as stated where it stands alone, is long enough, and no word before it says that it is
something else. Everything that could as well be a day, an amount, an order or another number is loose:
it may support what other evidence says, and is never enough alone.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from domain.bank import BankEntry
from domain.bank_words import ADVANCE_WORDS, CHARGES_WORDS, INVOICE_WORDS, LINKING_WORDS, OTHER_WORDS
from domain.openitems import Directory
from domain.payers import name_of, name_words
from domain.remittance import (
    Run,
    checked,
    compact,
    dated,
    fold,
    references_in,
    runs,
    spelled,
    without_zeros,
    words,
)

LONGEST = 8
"""The most runs that one number is looked for in; a broken line can part it once more than usual."""

LONGEST_NUMBER = 40
LONG_ENOUGH = 5
"""A number of letters and digits that is shorter is found by accident."""

LONG_DIGITS = 4
SURE_DIGITS = 10
"""Digits alone, with no word that says what they are, are sure only where they are so many."""

SHORTEST = 3
CUT_FROM = 18
"""The shortest length at which banks cut a text; a number at its end may be longer in truth."""

AMOUNT = re.compile(r"[0-9]+[.,][0-9]{2}|[0-9]{1,3}([ .'][0-9]{3})+[.,][0-9]{2}")
CENTS = re.compile(r"[.,][0-9]{2}(?![0-9])")


class Strength(IntEnum):
    """Says how surely an entry names an invoice."""

    LOOSE = 1
    STATED = 2
    STRUCTURED = 3


@dataclass
class Evidence:
    """Gathers what an entry says.

    `mentions` maps documents (or single maturities) to how surely they are named; `asked` are documents
    that one reference stands for together. `unknown` holds numbers that are stated like invoice numbers and
    are not in the books, `rests` whatever may be a part of a number. `reference`, `account`, `siren` and
    `name` hold the debtors that each of them stands for; `alike` those whose name is like the payer's, `told`
    those whose name is in the text.
    """

    mentions: dict[str, Strength] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    unknown: set[str] = field(default_factory=set)
    rests: set[str] = field(default_factory=set)
    account: frozenset[str] = frozenset()
    name: frozenset[str] = frozenset()
    siren: frozenset[str] = frozenset()
    reference: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    charges: bool = False
    advance: bool = False

    def mention(self, target: str, strength: Strength) -> None:
        """Notes that an invoice is named; the surest mention counts."""
        self.mentions[target] = max(strength, self.mentions.get(target, strength))

    def named(self, least: Strength) -> tuple[str, ...]:
        """Lists what is named at least so surely."""
        return tuple(sorted(target for target, strength in self.mentions.items() if strength >= least))


def read(entry: BankEntry, directory: Directory) -> Evidence:
    """Reads an entry; nothing in it is taken for more than what it says."""
    found = Evidence()
    for stated in (*entry.references, *entry.documents):
        if not _structured(stated, found, directory):
            _scan(stated, entry, found, directory, stated=True)
    own = entry.end_to_end or ""
    if len(compact(own)) <= LONG_ENOUGH or not _structured(own, found, directory):
        _scan(own, entry, found, directory)
    _scan(entry.text, entry, found, directory)
    said = words(entry.text)
    found.charges, found.advance = bool(said & CHARGES_WORDS), bool(said & ADVANCE_WORDS)
    found.account = directory.with_account(entry.payer_account)
    if entry.payer:
        name = name_of(entry.payer)
        found.name, found.alike = directory.named(name), directory.resembling(name)
    found.told = directory.mentioned(name_words(entry.text))
    return found


def _structured(written: str, found: Evidence, directory: Directory) -> bool:
    """Takes a field as one structured reference; tells whether it is one.

    One that stands for several documents of one debtor (a customer's number, a message about several
    invoices) tells the debtor for certain, and the invoices only if the amount says so.
    """
    whole = compact(written)
    targets = directory.referred(whole)
    if whole.startswith("RF") and not checked(whole):
        return False
    if not targets:
        if checked(whole):
            found.unknown.add(whole[4:])
        return checked(whole)
    if len(targets) == 1:
        found.mention(next(iter(targets)), Strength.STRUCTURED)
    else:
        found.reference |= {item.debtor for target in targets for item in directory.items_of(target)}
        found.asked |= targets
    return True


class _Span(NamedTuple):
    """Holds a place in a text where a number of the books may stand."""

    first: int
    last: int
    targets: frozenset[str]
    whole: str
    full: bool
    tight: bool

    def within(self, other: "_Span") -> bool:
        return other.first <= self.first and self.last <= other.last

    def meets(self, other: "_Span") -> bool:
        return self.first < other.last and other.first < self.last


def _scan(
    text: str, entry: BankEntry, found: Evidence, directory: Directory, *, stated: bool = False
) -> None:
    """Looks for references and numbers in a text; `stated` says that the field is for nothing else."""
    for reference in references_in(text):
        if directory.referred(reference):
            _structured(reference, found, directory)
    folded = fold(text)
    parts = runs(folded)
    every = _spans(parts, directory)
    kept = [span for span in every if not any(_hides(other, span) for other in every)]
    taken = {place for span in kept for place in range(span.first, span.last)}
    reading = _Reading(folded, parts, taken, entry.booked_on, entry.amount, directory, stated=stated)
    for span in sorted(kept, key=lambda one: one.first):
        doubtful = any(span.meets(other) and other != span for other in kept)
        strength = reading.strength(span)
        if strength is None:
            continue
        reading.invoices.update(range(span.first, span.last))
        strength = Strength.LOOSE if doubtful else strength
        if strength is Strength.LOOSE:
            found.rests.add(span.whole)
        for target in span.targets:
            found.mention(target, strength)
    reading.gather(found)


def _spans(parts: tuple[Run, ...], directory: Directory) -> list[_Span]:
    """Lists every place where the runs of a text, put together, are a number in the books."""
    spans: list[_Span] = []
    for first in range(len(parts)):
        whole, digits = "", False
        for last in range(first + 1, min(first + LONGEST, len(parts)) + 1):
            run = parts[last - 1]
            whole += run.text
            digits = digits or run.text.isdigit()
            if len(whole) > LONGEST_NUMBER:
                break
            if not digits:
                continue
            exact = directory.numbered(whole)
            if run.gap and last - first > 1:
                exact = exact | directory.maturity(whole.removesuffix(run.text), run.text)
            targets = exact
            if not exact or whole.isdigit():
                form = without_zeros(tuple(part.text for part in parts[first:last]))
                targets = exact | directory.loosely(form)
            if targets:
                tight = all(part.gap != " " for part in parts[first + 1 : last])
                spans.append(_Span(first, last, frozenset(targets), whole, bool(exact), tight))
    return spans


def _hides(other: _Span, span: _Span) -> bool:
    """Tells whether a span is only a part of another one, or a weaker reading of the same place."""
    if other == span or not span.meets(other):
        return False
    if span.within(other) and (span.first, span.last) != (other.first, other.last):
        return other.tight or not (span.full and span.tight)
    return other.within(span) and other.full and other.tight and not span.full


@dataclass
class _Reading:
    """Judges the places of one text."""

    folded: str
    parts: tuple[Run, ...]
    taken: set[int]
    day: date
    amount: Decimal
    directory: Directory
    stated: bool = False
    invoices: set[int] = field(default_factory=set)

    def strength(self, span: _Span) -> Strength | None:
        """Says how surely a place names an invoice; None where it is something else."""
        digits, told = span.whole.isdigit(), self.introduced(span.first)
        bare = digits or not span.full
        if bare and (told == "other" or self.is_amount(span.first, span.last) or self.has_other_prefix(span)):
            return None
        if (
            not span.full
            or len(span.targets) > 1
            or told == "other"
            or self.attached(span)
            or self.may_be_cut(span)
            or (digits and dated(span.whole, self.day))
        ):
            return Strength.LOOSE if len(span.whole) >= LONG_DIGITS or told == "invoice" else None
        if digits:
            if len(span.whole) >= (LONG_DIGITS if told == "invoice" else SURE_DIGITS):
                return Strength.STATED
            return Strength.LOOSE if told == "invoice" or len(span.whole) >= LONG_DIGITS else None
        return Strength.STATED if len(span.whole) >= LONG_ENOUGH else Strength.LOOSE

    def introduced(self, first: int) -> str | None:
        """Says what the words before a place announce: an `invoice`, something `other`, or nothing."""
        for place in range(first - 1, -1, -1):
            word = self.parts[place].text
            if word in OTHER_WORDS:
                return "other"
            if word in INVOICE_WORDS:
                return "invoice"
            if word not in LINKING_WORDS and place not in self.invoices:
                return "invoice" if self.stated else None
        return "invoice" if self.stated else None

    def is_amount(self, first: int, last: int) -> bool:
        """Tells whether digits are an amount: this entry's, or followed by cents."""
        start, end = self.parts[first].start, self.parts[last - 1].end
        if AMOUNT.fullmatch(self.folded[start:end]) or CENTS.match(self.folded[end : end + 4]):
            return True
        whole = "".join(part.text for part in self.parts[first:last])
        return whole in spelled(self.amount) and self.introduced(first) != "invoice"

    def has_other_prefix(self, span: _Span) -> bool:
        """Tells whether digits belong to a number with another prefix, such as an order's."""
        if span.first == 0 or self.parts[span.first].gap == " " or not span.whole[0].isdigit():
            return False
        before = self.parts[span.first - 1].text
        return span.first - 1 not in self.taken and before not in INVOICE_WORDS | LINKING_WORDS

    def attached(self, span: _Span) -> bool:
        """Tells whether a place goes on to the left or right, so that it may be part of another number."""
        after = span.last
        left = span.first > 0 and self.parts[span.first].gap != " " and span.first - 1 not in self.taken
        if left and self.parts[span.first - 1].text in INVOICE_WORDS | LINKING_WORDS:
            left = False
        right = after < len(self.parts) and self.parts[after].gap != " " and after not in self.taken
        return left or right

    def may_be_cut(self, span: _Span) -> bool:
        """Tells whether a bank may have cut a longer number here."""
        at_the_end = span.last == len(self.parts) and len(self.folded.rstrip()) >= CUT_FROM
        return at_the_end and self.directory.goes_on(span.whole)

    def gather(self, found: Evidence) -> None:
        """Notes the numbers that are not in the books, and what may be a part of a number."""
        for first, last in self.groups():
            free = [run.text for place, run in self.placed(first, last) if place not in self.taken]
            whole = "".join(run.text for _, run in self.placed(first, last))
            told, count = self.introduced(first), sum(char.isdigit() for char in whole)
            if whole.isdigit():
                found.siren |= self.directory.with_siren({14: whole[:9], 11: whole[2:]}.get(count, whole))
            if not free or told == "other" or self.is_amount(first, last):
                continue
            if whole.isdigit() and dated(whole, self.day):
                continue
            short = 1 if told == "invoice" else SHORTEST
            found.rests.update(run for run in free if run.isdigit() and len(run) >= short)
            if len(free) < last - first or count < SHORTEST:
                continue
            found.rests.add(whole)
            ours = not whole.isdigit() and whole.rstrip("0123456789") in self.directory.prefixes
            if ours or told == "invoice":
                found.unknown.add(whole)

    def placed(self, first: int, last: int) -> list[tuple[int, Run]]:
        """Lists runs with their places."""
        return list(enumerate(self.parts))[first:last]

    def groups(self) -> list[tuple[int, int]]:
        """Cuts the runs where a space or another sign parts them; a known prefix stays with its digits."""
        groups: list[tuple[int, int]] = []
        for place, part in enumerate(self.parts):
            joined = part.gap != " "
            if groups and not joined and part.text.isdigit():
                begun = "".join(run.text for run in self.parts[groups[-1][0] : place])
                ours = begun.rstrip("0123456789") in self.directory.prefixes and not begun.isdigit()
                joined = ours and len(begun) + len(part.text) <= self.directory.longest
            if joined and groups:
                groups[-1] = (groups[-1][0], place + 1)
            else:
                groups.append((place, place + 1))
        return groups
