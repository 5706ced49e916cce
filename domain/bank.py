"""What a bank tells: statements of an account and the movements on it, whatever file they came in.

In: the statement and its entries as facts, and what identifies an entry wherever it is read again.
Not in: the formats (intake/readers/bank/), and which invoice the money is for (matching.py).
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Self

from pydantic import Field, model_validator

from domain.fact import ZERO, Amount, Currency, Fact, PositiveAmount

UNSTATED = "unstated"
"""The reason of a return for which the bank gives none."""

PART = "."
"""What stands between the identity of a booking and the name of a part of it."""

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
KEYED = ("FR", "MC")
"""The countries whose IBAN ends with a key that accounts are also called without."""
SHORTEST_NUMBER = 7


class BankEntry(Fact):
    """States one booked movement on an account, as the bank tells it.

    `amount` is above zero; `credit` tells whether the money came in. An entry that the bank booked as one
    sum and details as several is one BankEntry for each detail, which share `batch`. `references` are
    structured creditor references (RF and the like), `documents` invoice numbers stated as such, `text`
    everything else that the payer or the bank wrote. `bank_reference` is the bank's own for the booking: the
    parts of a batch share it. `payer` and `payer_account` are the other side's, whichever way the money went.
    `returned` is the reason code of a returned payment (ISO 20022: AC04, MD06...; the bank's own where it
    gives no other; UNSTATED); `reversal` marks a booking that takes an earlier one back.
    """

    amount: PositiveAmount
    currency: Currency
    credit: bool
    booked_on: date
    value_on: date | None = None
    bank_reference: str | None = Field(default=None, max_length=140)
    end_to_end: str | None = Field(default=None, max_length=140)
    references: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    text: str = Field(default="", max_length=2000)
    payer: str | None = Field(default=None, max_length=140)
    payer_account: str | None = Field(default=None, max_length=64)
    code: str | None = Field(default=None, max_length=64)
    reversal: bool = False
    returned: str | None = Field(default=None, max_length=16)
    batch: str | None = Field(default=None, max_length=140)

    @property
    def signed(self) -> Decimal:
        """Gives the amount with its sign: what it adds to the account."""
        return self.amount if self.credit else -self.amount


class BankStatement(Fact):
    """States what was booked on one account over some days.

    `account` is the IBAN, or the number by which the bank's files call the account. `opening` and
    `closing` are balances with their sign. `booked_to` is the last day that the statement covers: days
    after it are unknown. `pending` counts entries that are announced and not booked; they are left out.
    Raises ValueError where both balances are known and the entries do not lead from one to the other.
    """

    format: str = Field(max_length=32)
    account: str = Field(min_length=1, max_length=64)
    currency: Currency | None = None
    id: str | None = Field(default=None, max_length=140)
    number: str | None = Field(default=None, max_length=35)
    opening: Amount | None = None
    closing: Amount | None = None
    booked_from: date | None = None
    booked_to: date
    entries: tuple[BankEntry, ...] = ()
    pending: int = 0
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.opening is None or self.closing is None:
            return self
        currencies = {self.currency, *(entry.currency for entry in self.entries)} - {None}
        if len(currencies) > 1:
            msg = f"balances and entries are in {', '.join(sorted(map(str, currencies)))}; ask the bank which"
            raise ValueError(msg)
        moved = sum((entry.signed for entry in self.entries), ZERO)
        if self.opening + moved != self.closing:
            msg = (
                f"opening {self.opening} and entries of {moved} lead to {self.opening + moved}, "
                f"not to closing {self.closing}; get the whole statement from the bank again"
            )
            raise ValueError(msg)
        return self

    def identified(self) -> Iterator[tuple[str, BankEntry]]:
        """Yields each entry with its identity: the same in every file that tells of the same booking.

        Two equal bookings of one day are legal: the second is told apart by its turn among the equal ones,
        so that a file which repeats a day adds only what is new on it. The parts of a batch are named after
        their booking (`booking_of`): one file tells it as a whole, another in parts. A booking that is
        known as a whole is known in its parts, and the other way round.
        """
        turns: Counter[str] = Counter()
        account = _account(self.account)
        for _, group in groupby(enumerate(self.entries), _booked_together):
            parts = [entry for _, entry in group]
            told = _told(account, parts)
            turns[told] += 1
            booking = _hash(f"{told}#{turns[told]}")[:32]
            yield from zip(_parts(booking, parts), parts, strict=True)


def booking_of(identity: str) -> str:
    """Gives the identity of the booking that an entry is a part of, or is as a whole."""
    return identity.partition(PART)[0]


def same_account(one: str, other: str) -> bool:
    """Tells whether two ways of calling an account mean the same: an IBAN, and what it is made of.

    Beside an IBAN an account may be called "bank/number", by bank, branch and number without a slash (as in
    France), or by its number alone where that has at least seven characters.
    """
    name, iban = sorted((one, other), key=lambda told: len(_account(told)))
    account, whole = _account(name), _account(iban)
    if account == whole:
        return True
    if not IBAN.fullmatch(whole):
        return False
    number = whole[4:-2] if whole.startswith(KEYED) else whole[4:]
    bank, slash, rest = name.rpartition("/")
    if slash:
        rest = _account(rest).lstrip("0")
        return len(rest) >= SHORTEST_NUMBER and number.startswith(_account(bank)) and number.endswith(rest)
    return len(account) >= SHORTEST_NUMBER and (number.endswith(account) or whole[4:] == account)


@lru_cache(maxsize=1024)
def _account(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum()).upper()


def _booked_together(numbered: tuple[int, BankEntry]) -> tuple[str | None, int]:
    """Groups the parts of one batch; an entry that is no part stands alone."""
    number, entry = numbered
    return entry.batch, -1 if entry.batch else number


def _told(account: str, parts: list[BankEntry]) -> str:
    """Says what tells a booking apart; the bank's own reference stands for all that is written beside it."""
    first = parts[0]
    total = sum((part.signed for part in parts), ZERO)
    what = [account, first.booked_on.isoformat(), f"{total:.2f}", first.currency]
    if first.bank_reference:
        return json.dumps([*what, first.bank_reference])
    return json.dumps([*what, [_written(part) for part in parts]])


def _written(entry: BankEntry) -> list[object]:
    text = "".join(entry.text.split()).casefold()
    return [entry.end_to_end, entry.references, text, entry.payer_account]


def _parts(booking: str, parts: list[BankEntry]) -> Iterator[str]:
    if len(parts) == 1:
        yield booking
        return
    turns: Counter[str] = Counter()
    for part in parts:
        told = json.dumps([f"{part.signed:.2f}", part.end_to_end])
        turns[told] += 1
        yield f"{booking}{PART}{_hash(f'{told}#{turns[told]}')[:12]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
