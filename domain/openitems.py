"""What is owed, who pays, and what is on record already: the books that a bank entry is held against.

In: open items, payers, recorded payments, and the indexes by which each is found from what an entry says.
Not in: how an entry is read (remittance.py, evidence.py), and what is decided (matching.py).

One Directory is built for each creditor and then kept up to date while entries are booked. Whatever it
answers is sorted, so that nothing depends on the order in which the books were given.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal

from pydantic import Field

from domain.fact import ZERO, Amount, Country, Currency, Fact, Key, PositiveAmount
from domain.payers import Name, name_of
from domain.receivable import Allocation, EarlyDiscount
from domain.remittance import compact, loose_forms, reference_body, runs

SAME_MONEY_DAYS = 10
"""How far apart the day on record and the bank's may lie for the same money."""

COMMON = 40
"""More items or names than these in one place of an index tell nothing: none of them is looked at."""


_NONE: frozenset[str] = frozenset()


class OpenItem(Fact):
    """States what one invoice, or one maturity of it, still asks for.

    `closed` items are settled; recent ones belong into the books, so that a second payment of them is
    recognised. `reference` is the payment reference printed on the invoice; `asked_under` lists the
    references of the messages that asked for it together with others.
    """

    number: Key
    document: str
    debtor: Key
    currency: Currency
    total: PositiveAmount
    open: Amount = Field(ge=0)
    issue_date: date
    due_date: date
    reference: str | None = None
    asked_under: tuple[str, ...] = ()
    discounts: tuple[EarlyDiscount, ...] = ()
    closed: bool = False

    @property
    def age(self) -> tuple[date, str]:
        """Gives what items are sorted by: the oldest due date first."""
        return self.due_date, self.number


class Payer(Fact):
    """Names a debtor as banks know it.

    `ibans` are accounts of earlier payments whose debtor was certain; an account that pays for several
    debtors belongs to each of them.
    """

    debtor: Key
    legal_name: str
    ibans: tuple[str, ...] = ()
    siren: str | None = None


class Recorded(Fact):
    """States a payment on record that no bank entry is linked to yet: typed in, or told by another system."""

    reference: str
    debtor: Key
    amount: PositiveAmount
    currency: Currency
    received_on: date
    invoices: tuple[str, ...] = ()


class Directory:
    """Finds items, payers and recorded payments of one creditor by what an entry says.

    `country` is the creditor's: payments from another one may have lost charges on the way. Not safe for
    use by several threads at once while bookings change it.
    """

    def __init__(
        self,
        items: Iterable[OpenItem],
        payers: Iterable[Payer],
        recorded: Iterable[Recorded] = (),
        *,
        country: Country = "FR",
    ) -> None:
        """Builds the indexes; of two items of the same number, the later one counts."""
        self.country = country
        self._items = {item.number: item for item in items}
        self._documents: dict[str, set[str]] = defaultdict(set)
        self._of: dict[str, list[tuple[date, str]]] = defaultdict(list)
        self._amounts: dict[tuple[str, Decimal], set[str]] = defaultdict(set)
        self._numbers: dict[str, set[str]] = defaultdict(set)
        self._maturities: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._loose: dict[str, set[str]] = defaultdict(set)
        self._references: dict[str, set[str]] = defaultdict(set)
        self.prefixes: set[str] = set()
        self.longest = 0
        for item in self._items.values():
            self._index(item)
        self._sorted_numbers = sorted(self._numbers)
        self._payers = {payer.debtor: payer for payer in payers}
        self._accounts: dict[str, set[str]] = defaultdict(set)
        self._names: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._beginnings: dict[str, set[str]] = defaultdict(set)
        self._alike: dict[Name, frozenset[str]] = {}
        self._sirens: dict[str, set[str]] = defaultdict(set)
        for payer in self._payers.values():
            self._know(payer)
        self._recorded: dict[tuple[str, Decimal], dict[str, Recorded]] = defaultdict(dict)
        for record in recorded:
            self._recorded[record.currency, record.amount][record.reference] = record

    def _index(self, item: OpenItem) -> None:
        document = item.document
        if document not in self._documents:
            self._name(document)
        self._documents[document].add(item.number)
        if item.number != document:
            turn = runs(item.number)[-1].text if runs(item.number) else ""
            self._maturities[compact(item.number).removesuffix(turn), turn].add(item.number)
            self._references[f"RF??{reference_body(item.number)}"].add(item.number)
        if item.reference:
            whole = compact(item.reference)
            self._references[whole].add(document)
            if len(whole) >= 6:  # noqa: PLR2004 - shorter ones are found in any text
                self._numbers[whole].add(document)
        for reference in item.asked_under:
            self._references[compact(reference)].add(document)
        insort(self._of[item.debtor], item.age)
        self._count(item)

    def _name(self, number: str) -> None:
        """Indexes what people and banks write for the number of a document."""
        whole = compact(number)
        self._numbers[whole].add(number)
        self._references[f"RF??{reference_body(number)}"].add(number)
        self.prefixes.add(whole.rstrip("0123456789"))
        self.longest = max(self.longest, len(whole))
        for form in loose_forms(number):
            self._loose[form].add(number)

    def _count(self, item: OpenItem) -> None:
        if item.open > ZERO and not item.closed:
            self._amounts[item.currency, item.open].add(item.number)

    def _know(self, payer: Payer) -> None:
        for iban in payer.ibans:
            self._accounts[compact(iban)].add(payer.debtor)
        if payer.siren:
            self._sirens[compact(payer.siren)].add(payer.debtor)
        name = name_of(payer.legal_name)
        if name.core:
            self._names[name.core].add(payer.debtor)
        for word in name.core:
            self._beginnings[word[:4]].add(payer.debtor)

    # Items

    def item(self, number: str) -> OpenItem:
        """Finds an item by its number; raises KeyError where there is none."""
        return self._items[number]

    def items_of(self, target: str) -> tuple[OpenItem, ...]:
        """Lists the items of a document, or the one maturity of that number, the oldest first."""
        numbers = self._documents.get(target) or {target}
        return tuple(sorted((self._items[number] for number in numbers), key=lambda item: item.age))

    def owed_by(self, debtor: str, currency: str) -> tuple[OpenItem, ...]:
        """Lists what a debtor owes in a currency, the oldest first."""
        return tuple(
            item
            for _, number in self._of.get(debtor, ())
            if (item := self._items[number]).currency == currency and item.open > ZERO and not item.closed
        )

    def settled_by(self, debtor: str, currency: str, amount: Decimal) -> bool:
        """Tells whether the debtor had an invoice of exactly this total which is settled by now."""
        return any(
            item.total == amount and item.currency == currency and (item.closed or item.open == ZERO)
            for item in (self._items[number] for _, number in self._of.get(debtor, ()))
        )

    def numbered(self, whole: str) -> AbstractSet[str]:
        """Finds the documents whose number, or printed reference, is this."""
        return self._numbers.get(whole, _NONE)

    def maturity(self, document: str, turn: str) -> AbstractSet[str]:
        """Finds the maturities of a document by what stands apart at their end: 2 in F-1/2, not in F-12."""
        return self._maturities.get((document, turn), _NONE)

    def loosely(self, form: str) -> AbstractSet[str]:
        """Finds the documents for whose number this may stand (remittance.loose_forms)."""
        return self._loose.get(form, _NONE)

    def referred(self, reference: str) -> frozenset[str]:
        """Finds what a structured reference stands for; check digits are the caller's business."""
        found = self._references.get(reference)
        if found is None and reference.startswith("RF"):
            found = self._references.get(f"RF??{reference[4:]}")
        return frozenset(found or ())

    def goes_on(self, whole: str) -> bool:
        """Tells whether a longer number begins with this one: a cut text may have meant that."""
        place = bisect_right(self._sorted_numbers, whole)
        return place < len(self._sorted_numbers) and self._sorted_numbers[place].startswith(whole)

    def sharing(self, currency: str, amount: Decimal) -> tuple[OpenItem, ...]:
        """Lists the items of which exactly this is open; none where it is a common amount."""
        numbers = self._amounts.get((currency, amount), set())
        if len(numbers) > COMMON:
            return ()
        return tuple(sorted((self._items[number] for number in numbers), key=lambda item: item.age))

    def common(self, currency: str, amount: Decimal) -> bool:
        """Tells whether so many items have this open that the amount says nothing."""
        return len(self._amounts.get((currency, amount), ())) > COMMON

    def booked(self, allocations: Iterable[Allocation]) -> None:
        """Lowers what is open by what a booking gave and allowed."""
        for part in allocations:
            item = self._items[part.invoice]
            self._amounts[item.currency, item.open].discard(item.number)
            left = max(ZERO, item.open - part.amount - part.allowed)
            changed = item.model_copy(update={"open": left, "closed": item.closed or left == ZERO})
            self._items[item.number] = changed
            self._count(changed)

    # Payers

    def with_account(self, account: str | None) -> frozenset[str]:
        """Finds the debtors who paid from an account before."""
        return frozenset(self._accounts.get(compact(account), ()) if account else ())

    def accounts_of(self, debtor: str) -> tuple[str, ...]:
        """Lists the accounts from which a debtor paid before."""
        payer = self._payers.get(debtor)
        return payer.ibans if payer else ()

    def with_siren(self, siren: str) -> frozenset[str]:
        """Finds the debtors registered under a SIREN."""
        return frozenset(self._sirens.get(siren, ()))

    def named(self, name: Name) -> frozenset[str]:
        """Finds the debtors who may be called exactly this.

        A name that ends early may be a longer one that a bank has cut: whoever has such a name counts too.
        """
        same = {debtor for debtor in self._names.get(name.core, ()) if name.same(self._name_of(debtor))}
        near = self._near(name.core) if same else set()
        return frozenset(same | {debtor for debtor in near if name.begins(self._name_of(debtor))})

    def resembling(self, name: Name) -> frozenset[str]:
        """Finds the debtors whose name is like this one, cut or abbreviated; each name is looked for once."""
        if name not in self._alike:
            near = self._near(name.core)
            self._alike[name] = frozenset(debtor for debtor in near if name.alike(self._name_of(debtor)))
        return self._alike[name]

    def mentioned(self, text: tuple[str, ...]) -> frozenset[str]:
        """Finds the debtors whose name stands in a text."""
        return frozenset(debtor for debtor in self._near(text) if self._name_of(debtor).within(text))

    def _near(self, text: tuple[str, ...]) -> set[str]:
        """Gathers the debtors that share the beginning of a word; common words tell nothing."""
        buckets = (self._beginnings.get(word[:4], set()) for word in text)
        return {debtor for bucket in buckets if len(bucket) <= COMMON for debtor in bucket}

    def _name_of(self, debtor: str) -> Name:
        return name_of(self._payers[debtor].legal_name)

    # What is on record

    def on_record(self, currency: str, amount: Decimal, day: date) -> tuple[Recorded, ...]:
        """Lists the recorded payments of this amount around a day, in the order of their references."""
        found: Mapping[str, Recorded] = self._recorded.get((currency, amount), {})
        return tuple(
            found[reference]
            for reference in sorted(found)
            if abs(found[reference].received_on - day) <= timedelta(days=SAME_MONEY_DAYS)
        )

    def linked(self, record: Recorded) -> None:
        """Leaves out a recorded payment, once its bank entry is known."""
        self._recorded[record.currency, record.amount].pop(record.reference, None)
