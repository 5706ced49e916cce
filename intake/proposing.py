"""An agreement as people state it, made into an event.

In: its id where nobody gives one, what was divided into equal instalments.
Not in: what the door makes of it (agreements.py), the forms and options that people fill in.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from domain.account import Account
from domain.agreements import Instalment, Rhythm, equal_instalments
from domain.events import Event
from domain.faults import InputRefused
from intake.readers.json_rows import event_of


def agreement_event(creditor: str, stated: Mapping[str, Any], name: str | None = None) -> Event:
    """Makes the event; without an id of its own, the same words said twice are the same agreement.

    Raises InputRefused for what cannot be an agreement.
    """
    plain = json.loads(json.dumps(dict(stated), default=_plain))
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]
    agreement = plain | {"id": name or f"{stated['kind']}-{digest}"}
    event = event_of({"type": "agreement.made", "creditor": creditor, "agreement": agreement})
    if isinstance(event, InputRefused):
        raise event
    return event


def _plain(value: object) -> object:
    if isinstance(value, Instalment):
        return value.model_dump(mode="json")
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


def cases_named(account: Account, numbers: Iterable[str]) -> tuple[str, ...]:
    """Lists the cases that numbers of invoices or documents name."""
    wanted = set(numbers)
    return tuple(
        case.invoice.number
        for case in account.cases
        if {case.invoice.number, case.invoice.of_document} & wanted
    )


def divided_equally(
    account: Account,
    numbers: Iterable[str],
    on: date,
    count: int,
    first: date,
    every: Rhythm,
    total: Decimal | None = None,
) -> tuple[Instalment, ...]:
    """Divides an amount, or all that invoices owe, into equal instalments; raises InputRefused."""
    try:
        return equal_instalments(
            total or account.owed(cases_named(account, numbers), on), count, first, every
        )
    except ValueError as fault:
        raise InputRefused("instalments", count, str(fault)) from None
