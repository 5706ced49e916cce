"""What holds for any books and any entry."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.bank import BankEntry
from domain.fact import ZERO
from domain.fitting import sets_giving
from domain.matching import Proposal, propose
from domain.openitems import Directory, OpenItem, Payer, Recorded
from domain.receivable import EarlyDiscount, Tolerance
from tests.matching.build import item

quick = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

FIRST = date(2026, 10, 1)
DEBTORS = ("verger", "atelier", "garage")
NAMES = {"verger": "Le Verger du Sud SARL", "atelier": "Ateliers Béranger SAS", "garage": "Garage Martin SA"}
ACCOUNTS = {name: f"FR76300060000112345678{turn:05d}" for turn, name in enumerate(DEBTORS)}
PRICES = [Decimal(price) for price in ("49.90", "100.00", "100.04", "120.00", "220.00", "98.00", "999.99")]


@st.composite
def items(draw: st.DrawFn) -> list[OpenItem]:
    """Draws up to eight invoices of three debtors, alike in amount and number; some are settled."""
    found = []
    for turn in sorted(draw(st.sets(st.integers(1, 40), max_size=8))):
        total, settled = draw(st.sampled_from(PRICES)), draw(st.integers(0, 5)) == 0
        offer = EarlyDiscount(percent="2", until=FIRST + timedelta(days=40))
        found.append(
            item(
                f"FA-2026-{turn:04d}",
                draw(st.sampled_from(DEBTORS)),
                str(total),
                closed=settled,
                currency=draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
                issue_date=FIRST + timedelta(days=turn),
                discounts=(offer,) if draw(st.booleans()) else (),
            )
        )
    return found


@st.composite
def entries(draw: st.DrawFn) -> BankEntry:
    """Draws an entry: any of the amounts, numbers and accounts that books have, in any combination."""
    numbers = draw(st.lists(st.integers(1, 42).map(lambda turn: f"FA-2026-{turn:04d}"), max_size=3))
    shape = draw(st.sampled_from(["{}", "FACT {}", "fact {} du 12/11/2026", "2026{}", "{}."]))
    written = " ".join(draw(st.sampled_from([number, number[3:], number[-4:]])) for number in numbers)
    amounts = st.lists(st.sampled_from(PRICES), min_size=1, max_size=3).map(lambda some: sum(some, ZERO))
    off = draw(st.sampled_from(["0.00", "0.00", "0.00", "0.03", "-0.03", "-2.00", "-9.00", "30.00"]))
    return BankEntry(
        amount=draw(amounts) + Decimal(off),
        currency=draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
        credit=True,
        booked_on=FIRST + timedelta(days=draw(st.integers(0, 70))),
        text=draw(st.one_of(st.just(shape.format(written)), st.text(max_size=40))),
        payer=draw(st.sampled_from([None, *NAMES.values(), "VERGER DU SUD", "Holding"])),
        payer_account=draw(st.sampled_from([None, *ACCOUNTS.values(), "CH9300762011623852957"])),
        documents=tuple(numbers[:1]) if draw(st.integers(0, 5)) == 0 else (),
        end_to_end=draw(st.sampled_from([None, "NOTPROVIDED", "FA-2026-0004"])),
    )


PAYERS = [Payer(debtor=name, legal_name=NAMES[name], ibans=(ACCOUNTS[name],)) for name in DEBTORS]
records = st.lists(
    st.builds(
        Recorded,
        reference=st.sampled_from(["R1", "R2"]),
        debtor=st.sampled_from(DEBTORS),
        amount=st.sampled_from(PRICES),
        currency=st.just("EUR"),
        received_on=st.integers(0, 70).map(lambda days: FIRST + timedelta(days=days)),
        invoices=st.sampled_from([(), ("FA-2026-0004",)]),
    ),
    max_size=2,
    unique_by=lambda record: record.reference,
)


def decided(
    entry: BankEntry, owed: list[OpenItem], recorded: list[Recorded], payers: list[Payer]
) -> Proposal:
    """Proposes for an entry with books of its own."""
    return propose(entry, Directory(owed, payers, recorded), Tolerance())


@quick
@given(entries(), items(), records)
def test_no_more_is_given_than_there_is(
    entry: BankEntry, owed: list[OpenItem], recorded: list[Recorded]
) -> None:
    """Every candidate gives an invoice at most what is open, in its currency, and all at most the amount."""
    proposal = decided(entry, owed, recorded, PAYERS)
    books = {one.number: one for one in owed}
    booking = [proposal.booking] if proposal.booking is not None else []
    for one in (*proposal.candidates, *booking):
        assert sum((part.amount for part in one.allocations), ZERO) + one.left == entry.amount
        assert len({part.invoice for part in one.allocations}) == len(one.allocations)
        assert one.left >= ZERO
        for part in one.allocations:
            whole = books[part.invoice]
            assert part.amount + part.allowed <= whole.open
            assert (whole.debtor, whole.currency, whole.closed) == (one.debtor, entry.currency, False)
            assert (part.allowed > ZERO) == (part.allowance is not None)
            assert 0 <= one.score <= 1


@quick
@given(entries(), items(), records)
def test_what_is_proposed_says_why(entry: BankEntry, owed: list[OpenItem], recorded: list[Recorded]) -> None:
    """What is booked gives all but cents to invoices, with reasons; what is asked says what is in doubt."""
    proposal = decided(entry, owed, recorded, PAYERS)
    assert len(proposal.candidates) <= 5
    match proposal.decision:
        case "book":
            assert proposal.booking is not None
            assert proposal.booking.left <= Tolerance().cents
            assert len(proposal.booking.reasons) > 1
            assert proposal.doubts == ()
        case "on_account":
            assert proposal.booking is not None
            assert proposal.doubts
        case "same":
            assert proposal.candidates[0].recorded
            assert proposal.booking is None
        case _:
            assert proposal.booking is None
            assert proposal.doubts


@quick
@given(entries(), items(), records, st.randoms(use_true_random=False))
def test_the_order_of_the_books_does_not_matter(
    entry: BankEntry, owed: list[OpenItem], recorded: list[Recorded], chance: Random
) -> None:
    """The same books in another order give the same proposal."""
    before = decided(entry, owed, recorded, PAYERS)
    payers = list(PAYERS)
    chance.shuffle(owed)
    chance.shuffle(recorded)
    chance.shuffle(payers)
    assert decided(entry, owed, recorded, payers) == before


@quick
@given(entries(), items(), records, st.sampled_from(PRICES))
def test_a_stranger_in_the_books_makes_nothing_certain(
    entry: BankEntry, owed: list[OpenItem], recorded: list[Recorded], amount: Decimal
) -> None:
    """With another debtor, of another name, account and number, what was asked is still not booked."""
    before = decided(entry, owed, recorded, PAYERS)
    other = item("ZX-77", "zephyr", str(amount))
    known = Payer(debtor="zephyr", legal_name="Zephyr Logistik GmbH", ibans=("DE89370400440532013000",))
    after = decided(entry, [*owed, other], recorded, [*PAYERS, known])
    if before.decision == "ask":
        assert after.decision == "ask"
    if after.decision == "book":
        assert after == before


@quick
@given(entries(), items())
def test_an_entry_is_never_booked_twice(entry: BankEntry, owed: list[OpenItem]) -> None:
    """The same entry again, after its booking, never takes an invoice below nothing."""
    directory = Directory(owed, PAYERS)
    total = sum((one.open for one in owed), ZERO)
    for _ in range(3):
        proposal = propose(entry, directory, Tolerance())
        for part in proposal.booking.allocations if proposal.booking is not None else ():
            assert part.amount + part.allowed <= directory.item(part.invoice).open
            total -= part.amount + part.allowed
        directory.booked(proposal.booking.allocations if proposal.booking is not None else ())
    assert total == sum((directory.item(one.number).open for one in owed), ZERO)


@quick
@given(items(), st.lists(st.booleans(), min_size=8, max_size=8))
def test_every_set_of_few_items_is_found(owed: list[OpenItem], chosen: list[bool]) -> None:
    """Whatever items are paid together, that set is among those found; it is certain only if it is alone."""
    some = [one for one, taken in zip(owed, chosen, strict=False) if taken and not one.closed]
    here = [one for one in owed if not one.closed]
    amount = sum((one.open for one in some), ZERO)
    if some:
        sets = sets_giving(here, amount)
        assert set(some) in [set(found) for found in sets.found]
        assert all(sum((one.open for one in found), ZERO) == amount for found in sets.found)
        assert not sets.certain or len(sets.found) == 1
