"""Hypothesis strategies: any policy that climbs, any account, any life.

In: strategies made of the builders. Not in: what is proven with them (test_properties.py).
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from domain.account import Account
from domain.agreements import Hold
from domain.policy import Catchup, DunningPolicy, DunningStep, Roll
from domain.receivable import CreditNote, Debtor, Invoice, Payment
from domain.simulation import Change, Simulated, simulate
from tests.domain.build import (
    FAR,
    account,
    credit_note,
    creditor,
    day,
    debtor,
    handoff,
    hold,
    invoice,
    paying,
    payment,
    policy,
    shelf,
    step,
)

PLACES = {
    "Europe/Paris": "FR",
    "Europe/Berlin": "DE",
    "Europe/London": "GB",
    "America/Los_Angeles": "US",
    "Asia/Kolkata": "IN",
    "Pacific/Auckland": "NZ",
}
WINDOWS = [
    {},
    {"opens": "08:30", "closes": "11:30", "days": (2, 3, 4)},
    {"opens": "09:00", "closes": "10:00"},
    {"opens": "00:00", "closes": "23:59", "days": (1, 2, 3, 4, 5, 6, 7)},
    {"spread_minutes": 90},
]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

spans = st.integers(min_value=0, max_value=180)
amounts = st.integers(min_value=1, max_value=30000).map(lambda count: f"{Decimal(count) / 100:.2f}")
instants = st.integers(min_value=0, max_value=200 * 24 * 60).map(
    lambda minutes: FIRST + timedelta(minutes=minutes)
)


@st.composite
def policies(draw: st.DrawFn) -> DunningPolicy:
    """Draws a policy of up to five rungs and perhaps a handoff, without conditions and approvals."""
    offsets = sorted(draw(st.sets(st.integers(min_value=-20, max_value=40), min_size=1, max_size=5)))
    ranks = sorted(draw(st.lists(st.integers(0, 4), min_size=len(offsets), max_size=len(offsets))))
    rungs = [_rung(draw, offset, rank) for offset, rank in zip(offsets, ranks, strict=True)]
    if draw(st.booleans()):
        rungs.append(handoff(offsets[-1] + 5 if offsets[-1] >= 0 else 5))
    return policy(
        *rungs,
        spacing_days=draw(st.integers(1, 8)),
        catch_up=draw(st.sampled_from(Catchup)),
        roll=draw(st.sampled_from(Roll)),
        window=draw(st.sampled_from(WINDOWS)),
    )


def _rung(draw: st.DrawFn, offset: int, rank: int) -> DunningStep:
    before = offset < 0
    tones = ["commercial", "courteous", "firm", "final", "formal"]
    return step(
        f"day{offset:+d}",
        offset,
        tones[min(rank, 1) if before else rank],
        draw(st.sampled_from(["email", "email", "letter", "call"])),
        required=None if before else draw(st.sampled_from([None, True, False])),
        payment_period_days=draw(st.sampled_from([None, None, 8, 15])),
    )


@st.composite
def debtors(draw: st.DrawFn) -> Debtor:
    """Draws a reachable debtor somewhere in the world."""
    zone = draw(st.sampled_from(sorted(PLACES)))
    return debtor(time_zone=zone, country=PLACES[zone], contact_cap_days=draw(st.integers(1, 5)))


@st.composite
def invoices(draw: st.DrawFn) -> tuple[Invoice, ...]:
    """Draws one to four invoices, most of them in euros."""
    return tuple(
        invoice(
            f"F-{number}",
            day("2026-01-10") + timedelta(days=draw(spans)),
            draw(amounts),
            currency=draw(st.sampled_from(["EUR", "EUR", "CHF"])),
        )
        for number in range(1, draw(st.integers(1, 4)) + 1)
    )


def payments(numbers: list[str]) -> st.SearchStrategy[list[Payment]]:
    """Draws payments that are unallocated, allocated or partly so, and perhaps came back."""

    def build(parts: list[tuple[str, str, str, bool, str]]) -> list[Payment]:
        return [
            payment(
                f"{Decimal(given) + Decimal(free):.2f}",
                reference=f"VIR-{turn}",
                reversed=undone,
                **{number: given},
            ).model_copy(update={"currency": currency})
            for turn, (number, given, free, undone, currency) in enumerate(parts)
        ]

    one = st.tuples(
        st.sampled_from(numbers),
        amounts,
        st.just("0.00") | amounts,
        st.booleans(),
        st.sampled_from(["EUR", "CHF"]),
    )
    return st.lists(one, max_size=3).map(build)


def credit_notes(numbers: list[str]) -> st.SearchStrategy[list[CreditNote]]:
    """Draws credit notes on an invoice or on the account, and perhaps cancelled."""
    one = st.tuples(st.none() | st.sampled_from(numbers), amounts, st.booleans())
    return st.lists(one, max_size=3).map(
        lambda parts: [
            credit_note(total, f"A-{turn}", invoice=number, cancelled=gone)
            for turn, (number, total, gone) in enumerate(parts)
        ]
    )


def holds(numbers: list[str]) -> st.SearchStrategy[list[Hold]]:
    """Draws holds on an invoice or on the debtor."""
    one = st.tuples(st.none() | st.sampled_from(numbers), spans, st.integers(0, 30))

    def build(parts: list[tuple[str | None, int, int]]) -> list[Hold]:
        found = []
        for turn, (number, begins, length) in enumerate(parts):
            starts = day("2026-01-01") + timedelta(days=begins)
            until = starts + timedelta(days=length)
            scope = "debtor" if number is None else "invoice"
            found.append(hold(f"{starts}", f"{until}", scope, invoice=number, id=f"H-{turn}"))
        return found

    return st.lists(one, max_size=3).map(build)


class Portfolio(NamedTuple):
    """Holds one account with the policy it follows."""

    account: Account
    rules: DunningPolicy


@st.composite
def portfolios(draw: st.DrawFn, *, paid: bool = True) -> Portfolio:
    """Draws an account with holds and, unless told otherwise, with payments and credit notes."""
    rules = draw(policies())
    owed = draw(invoices())
    numbers = [one.number for one in owed]
    zone = draw(st.sampled_from(["Europe/Paris", "Europe/Paris", "Pacific/Auckland"]))
    more: dict[str, object] = {
        "payments": draw(payments(numbers)),
        "credit_notes": draw(credit_notes(numbers)),
    }
    return Portfolio(
        account(
            rules,
            *owed,
            creditor=creditor(time_zone=zone),
            debtor=draw(debtors()),
            holds=draw(holds(numbers)),
            **(more if paid else {}),
        ),
        rules,
    )


class Life(NamedTuple):
    """Holds an account, the policy it followed, and everything that happened to it."""

    account: Account
    rules: DunningPolicy
    story: Simulated
    start: datetime


@st.composite
def lives(draw: st.DrawFn, *, paid: bool = True) -> Life:
    """Draws an account and lives through it, with payments that come and go in between."""
    owed, rules = draw(portfolios(paid=paid))
    numbers = [case.invoice.number for case in owed.cases]
    facts: list[tuple[datetime, str, Change]] = []
    if paid:
        for turn, booked in enumerate(draw(payments(numbers))):
            named = booked.model_copy(update={"reference": f"later-{turn}"})
            facts.append((draw(instants), owed.debtor.id, paying(named)))
        if draw(st.booleans()):
            facts.append((draw(instants), owed.debtor.id, lambda account_: account_.having(payments=())))
    start = draw(instants)
    return Life(owed, rules, simulate([owed], shelf(rules), facts, start, start + FAR), start)
