"""The history in words: every kind of entry that the ledger writes is told, in both languages."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from intake.telling.history import SENTENCES, told
from ledger.journal import Entry

LEDGER = Path(__file__).resolve().parents[2] / "ledger"
UNWRITTEN = {"schema.py", "webhooks.py"}
"""Modules that name no kind of the journal: tables, and what endpoints are told."""
INVOICE = {"total": "1200.00", "currency": "EUR", "due_date": "2099-03-31"}
MONEY = {"reference": "VIR-1", "amount": "5.00", "currency": "EUR", "received_on": "2099-03-01"}
BECAUSE = {"rule": "hold", "until": "2099-03-31"}
MESSAGE = {"message": "0123456789abcdef", "invoices": ["F-1", "F-2"]}
TASK = {"task": "t", "task_kind": "call", "due_on": "2099-03-31"}
SAID = {"author": "anna", "reason": "asked"}
AGREED = {"agreement_kind": "promise", "agreement": "P-1", "invoices": ["F-1"]}
HOLD = {"id": "h", "scope": "invoice", "starts_on": "2099-01-01", "until": "2099-02-01", "reason": "asked"}

FACTS: dict[str, dict[str, Any]] = {
    "account.replanned": {"invoices": ["F-1"]},
    "agreement.approved": AGREED | {"author": "anna"},
    "agreement.broken": AGREED | {"came": "5.00", "was": "running"},
    "agreement.ended": AGREED | SAID | {"how": "withdrawn"},
    "agreement.expired": AGREED | {"was": "running"},
    "agreement.kept": AGREED | {"came": "5.00", "was": "running"},
    "agreement.made": AGREED | {"agreement": {"id": "P-1", "kind": "promise"}, "author": "anna"},
    "agreement.partly": AGREED | {"came": "5.00", "was": "running"},
    "agreement.running": AGREED | {"came": "5.00", "was": "broken"},
    "case.blocked": {"because": BECAUSE},
    "case.closed": {"ending": "paid", "because": BECAUSE, "was": None},
    "case.policy_moved": {"policy": "seed@2", "was": "seed@1", "author": "anna"},
    "case.postponed": {"to": "2026-04-03", "invoices": ["F-1"]},
    "case.reopened": {"was": "paid", "because": BECAUSE},
    "case.unblocked": {},
    "credit_note.cancelled": {"number": "AV-1"},
    "credit_note.issued": {"stated": {"number": "AV-1", "total": "5.00", "currency": "EUR"}},
    "creditor.registered": {"stated": {"id": "atelier"}},
    "creditor.revised": {"stated": {"id": "atelier"}},
    "debtor.registered": {"stated": {"id": "dupont"}},
    "debtor.revised": {"debtor": {"id": "dupont"}},
    "hold.lifted": {"hold": "h", "author": "anna"},
    "hold.placed": {"hold": HOLD, "author": "anna"},
    "invoice.opened": {"stated": INVOICE, "policy": "seed@1", "version": 1},
    "invoice.reinstated": {"reason": "found"},
    "invoice.revised": {"stated": INVOICE, "version": 2},
    "invoice.written_off": {"open": "5.00", "reason": "bankrupt"},
    "message.ambiguous": MESSAGE | {"why": "no answer"},
    "message.failed": MESSAGE | {"error": "refused"},
    "message.judged": MESSAGE | SAID | {"delivered": False},
    "message.reserved": MESSAGE | {"step": "D+2"},
    "message.restored": MESSAGE | {"step": "D+2", "author": "anna"},
    "message.sent": MESSAGE,
    "message.taken_over": MESSAGE,
    "message.voided": MESSAGE | SAID,
    "payment.allocated": {"reference": "VIR-1", "allocations": [], "was": [], "author": "anna"},
    "payment.received": {"stated": MONEY, "invoices": ["F-1"]},
    "payment.reversed": {"reference": "VIR-1", "amount": "5.00", "reason": "returned"},
    "payments.known": {"as_of": "2099-03-31T00:00:00+00:00"},
    "sending.resumed": {"author": "anna"},
    "sending.stopped": SAID,
    "step.approved": {"step": "D+2", "author": "anna"},
    "step.hurried": {"step": "D+2", "author": "anna"},
    "step.skipped": SAID | {"step": "D+2", "cycle": 1},
    "step.taken": {"taken": {"step": "D+2", "cycle": 1, "outcome": "sent", "day": "2099-04-02"}},
    "task.closed": {"task": "t", "resolution": "done", "author": "anna"},
    "task.opened": TASK | {"detail": {"phone": "none"}},
    "task.reopened": TASK,
}

OF_NO_INVOICE = ("creditor.", "debtor.", "payments.", "sending.")
"""What never stands in the history of an invoice."""


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", sorted(FACTS))
def test_every_kind_of_entry_is_told(kind: str, language: str) -> None:
    """An entry with the facts that the ledger writes becomes a sentence in which nothing is missing."""
    place = {"creditor": "atelier", "debtor": "dupont", "revision": 1, "invoice": "F-1"}
    chain = {"at": datetime(2099, 1, 1, tzinfo=UTC), "previous": "", "hash": "x"}
    entry = Entry.model_validate(place | chain | {"kind": kind, "facts": FACTS[kind]})
    said = told(entry, language)
    if kind.startswith(OF_NO_INVOICE):
        assert said == kind
    else:
        assert said != kind
        assert not re.search(r"(?<!\w)-(?!\w)|[{}]|None", said), said


def test_no_kind_of_entry_is_left_out() -> None:
    """The kinds told above are those that the ledger's own modules name, and each has both languages."""
    texts = [path.read_text("utf-8") for path in LEDGER.glob("*.py") if path.name not in UNWRITTEN]
    begun = {kind.partition(".")[0] for kind in FACTS}
    pattern = rf'"((?:{"|".join(begun)})\.[a-z_]+)"'
    written = {kind for text in texts for kind in re.findall(pattern, text)}
    assert written | {"message.taken_over"} == set(FACTS)  # older records hold it
    assert SENTENCES["en"].keys() == SENTENCES["fr"].keys()
