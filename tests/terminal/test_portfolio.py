"""Portfolios read from events: what each event means for accounts held in memory."""

import random
from datetime import timedelta

import pytest

from domain.events import EVENT
from domain.policy import DunningPolicy
from domain.portfolio import Portfolio, accounts_from
from domain.simulation import Simulated, simulate
from tests.domain.build import policy, step
from tests.terminal import sample

RULES = {"seed": policy(step("D+2", 2), step("D+30", 30), id="seed")}


def read(
    events: list[sample.Event], rules: dict[str, DunningPolicy] = RULES, *, approve: bool = False
) -> Portfolio:
    """Reads events as they stand in a file."""
    return accounts_from([EVENT.validate_python(event) for event in events], rules, approve=approve)


def live(events: list[sample.Event]) -> Simulated:
    """Lives through a portfolio from its first fact to the end of every ladder."""
    found = read(events)
    assert not found.refused
    return simulate(found.accounts, found.policies, found.facts, found.start, found.end)


def asked(lived: Simulated) -> list[tuple[str, str, str]]:
    """Lists what would leave: the day, the invoices, the sum."""
    return [
        (one.day.isoformat(), "+".join(line.number for line in one.lines), f"{one.asked:.2f}")
        for one in lived.messages
    ]


def test_any_order_of_events_gives_the_same_messages() -> None:
    """A payment before its invoice, and an invoice before its customer, change nothing."""
    events = [*sample.SEED, sample.payment("F-1", "200.00", "2026-04-10")]
    expected = asked(live(events))
    assert [sum_ for _, _, sum_ in expected] == ["1200.00", "1000.00"]
    shuffled = list(events)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
        assert asked(live(shuffled)) == expected


def test_maturities_are_dunned_each_on_its_own() -> None:
    """Two maturities are two cases; a payment that names the document pays the older one first."""
    parts = [{"due_date": "2026-03-31", "amount": "700.00"}, {"due_date": "2026-06-30", "amount": "500.00"}]
    split = sample.invoice("F-1", "2026-03-31", maturities=parts)
    del split["due_date"]
    events = [*sample.SEED[:2], split, sample.payment("F-1", "800.00", "2026-03-25")]
    assert asked(live(events)) == [("2026-07-02", "F-1/2", "400.00"), ("2026-07-30", "F-1/2", "400.00")]


def test_two_creditors_may_have_a_customer_of_one_name() -> None:
    """Facts reach the account of their own creditor alone."""
    events = [
        *sample.SEED,
        sample.creditor("beta"),
        sample.debtor(owner="beta"),
        sample.invoice("F-1", "2026-03-31", "50.00", creditor="beta"),
        sample.payment("F-1", "1200.00", "2026-03-25"),
    ]
    assert [sum_ for _, _, sum_ in asked(live(events))] == ["50.00", "50.00"]


NOTE = {"type": "credit_note.issued", "number": "AV-1"}


@pytest.mark.parametrize(
    ("event", "sums"),
    [
        (NOTE | {"invoice": "F-1", "issue_date": "2026-04-10", "total": "200.00"}, ["1200.00", "1000.00"]),
        (NOTE | {"debtor": "dupont", "issue_date": "2026-03-10", "total": "1300.00"}, []),
        ({"type": "invoice.written_off", "number": "F-1", "reason": "bankrupt"}, []),
        ({"type": "payment.reversed", "reference": "VIR-1"}, ["1200.00", "1200.00"]),
    ],
)
def test_what_reduces_a_debt(event: sample.Event, sums: list[str]) -> None:
    """A credit note counts from its day, on an invoice or on the account; write-offs and reversals always."""
    money = [sample.payment("F-1", "200.00", "2026-04-10")] if event["type"] == "payment.reversed" else []
    assert [
        sum_ for _, _, sum_ in asked(live([*sample.SEED, *money, event | {"creditor": "atelier"}]))
    ] == sums


def test_payments_are_taken_as_known_unless_the_events_say_when() -> None:
    """Without payments.known nothing waits for bank data; with it, messages wait until data come in."""
    owner = sample.creditor()
    owner["creditor"]["payment_freshness_hours"] = 48
    events = [owner, *sample.SEED[1:]]
    assert [day for day, _, _ in asked(live(events))] == ["2026-04-02", "2026-04-30"]
    known = {"type": "payments.known", "creditor": "atelier", "as_of": "2026-04-07T06:00:00+02:00"}
    assert [day for day, _, _ in asked(live([*events, known]))] == ["2026-04-07"]


def test_the_latest_version_of_an_invoice_counts() -> None:
    """Version 2 replaces version 1 in either order; two different first versions are refused."""
    later = sample.invoice("F-1", "2026-04-30", version=2)
    for events in ([*sample.SEED, later], [*sample.SEED[:2], later, sample.SEED[2]]):
        assert [day for day, _, _ in asked(live(events))] == ["2026-05-02", "2026-05-30"]
    refused = read([*sample.SEED, sample.invoice("F-1", "2026-04-30")]).refused
    assert [(one.field, one.value) for one in refused] == [("version", "F-1 version 1")]


def test_what_cannot_be_placed_is_listed() -> None:
    """Unknown parties, invoices and policies are named one by one, and the rest is simulated."""
    events = [
        *sample.SEED,
        sample.invoice("A", "2026-03-31", whose="nobody"),
        sample.invoice("B", "2026-03-31", creditor="nobody"),
        sample.invoice("C", "2026-03-31", policy="unheard-of"),
        sample.payment("D", "1.00", "2026-03-31"),
    ]
    found = read(events)
    assert [(one.field, one.value) for one in found.refused] == [
        ("debtor", "nobody"),
        ("creditor", "nobody"),
        ("policy", "unheard-of"),
        ("invoice", "D"),
    ]
    assert len(simulate(found.accounts, found.policies, found.facts, found.start, found.end).messages) == 2


def test_steps_that_wait_for_a_person_can_be_taken_as_approved() -> None:
    """By itself the simulation stops at an approval; with `approve` it goes on."""
    rules = {"seed": policy(step("D+2", 2, approval=True), step("D+30", 30), id="seed")}
    for approve, count in ((False, 0), (True, 2)):
        found = read(sample.SEED, rules, approve=approve)
        assert found.end - found.start > timedelta(days=365)
        lived = simulate(found.accounts, found.policies, found.facts, found.start, found.end)
        assert len(lived.messages) == count
