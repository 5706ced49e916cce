"""The crowd of the bench: what it sends, and that nobody of it gets in another's way."""

from datetime import date
from itertools import islice
from random import Random

import httpx2

from bench import lived
from bench.traffic import BATCH, LARGE, Traffic
from bench.waits import Waits
from console.api.events import AT_ONCE
from domain.events import EVENT, InvoiceCreated, PaymentReceived
from intake.readers.cloudevents import CloudEvent, read_event

TODAY = date(2026, 3, 2)


def test_events_come_alone_and_in_batches_at_the_pace_asked_for() -> None:
    """In a second so many events are due as are asked for, most in a large batch; each can be read."""
    client = httpx2.AsyncClient()
    traffic = Traffic(client, Waits(), Random(1), 200, [0, 1], iter([3, 4]), TODAY)  # noqa: S311 - repeatable
    parcels = list(traffic._parcels(1.0))
    assert sum(len(sent) for _, sent in parcels) == 200
    assert [len(sent) for _, sent in parcels] == [*[1] * BATCH, BATCH, LARGE]
    assert [due for due, _ in parcels] == sorted(due for due, _ in parcels)
    assert LARGE > AT_ONCE
    sent = [event for _, parcel in parcels for event in parcel]
    assert all(isinstance(read_event(_bytes(one)), CloudEvent) for one in sent)


def _bytes(event: dict[str, object]) -> bytes:
    return httpx2.Request("POST", "http://api.test", json=event).content


def test_a_lived_ledger_has_work_for_people_and_nothing_that_falls_due() -> None:
    """Of a hundred invoices half are far from due, thirty are overdue and held, twenty are paid."""
    told = list(lived.events(100, TODAY))
    bills = [one for one in told if isinstance(one, InvoiceCreated)]
    assert len(bills) == 100
    assert len(lived.still_ahead(100)) == 50
    assert sum(one.creditor == lived.HELD for one in bills) == 30
    assert sum(isinstance(one, PaymentReceived) for one in told) == 20
    assert all(EVENT.validate_python(one.model_dump()) == one for one in islice(told, 30))
