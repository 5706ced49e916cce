"""What an invoice of the samples means, as short as a word, for every test that needs it.

In: the events, the invoice, or the refusal, for the sample company and its one customer.
Not in: the samples themselves (samples.py).
"""

from typing import Any

import pytest

from domain.events import Event, InvoiceCreated
from domain.faults import InputRefused
from domain.receivable import Creditor, Debtor
from intake.readers.einvoice.events import Understanding, to_events
from intake.readers.einvoice.reading import read
from tests.readers_einvoice.samples import CREDITOR, DEBTOR


def understood(
    data: bytes,
    creditors: tuple[Creditor, ...] = (CREDITOR,),
    debtors: tuple[Debtor, ...] = (DEBTOR,),
    pdf: str | None = None,
) -> Understanding:
    """Reads an invoice and tells what it means."""
    return to_events(read(data), creditors, debtors, pdf)


def only(data: bytes, **more: Any) -> Event:
    """Gives the one event that an invoice means."""
    (event,) = understood(data, **more).events
    return event


def invoice_of(data: bytes, **more: Any) -> InvoiceCreated:
    """Gives the invoice among the events."""
    return next(event for event in understood(data, **more).events if isinstance(event, InvoiceCreated))


def refused(data: bytes, **more: Any) -> InputRefused:
    """Expects a refusal and gives it."""
    with pytest.raises(InputRefused) as refusal:
        understood(data, **more)
    return refusal.value
