"""What the tests of answers share: an office whose messages are answered by their link.

In: answering as a debtor does. Not in: the page (test_page.py, tests/console/test_debtors_page.py).
"""

from typing import Any
from uuid import UUID

from domain.answers import DebtorAnswered
from domain.reminder import Reminder
from intake.admission import Admission
from tests.mailbox.conftest import Office, office

__all__ = ["office"]


def answered(reminder: Reminder | UUID, kind: str, debtor: str = "dubois", **facts: Any) -> DebtorAnswered:
    """Gives an answer about F-1 by the link of a reminder."""
    link = reminder.id if isinstance(reminder, Reminder) else reminder
    stated = {"kind": kind, **({} if kind == "contact" else {"invoices": ("F-1",)}), **facts}
    return DebtorAnswered.model_validate(
        {"creditor": "acme", "debtor": debtor, "link": link, "answer": stated}
    )


async def answer(
    office: Office, reminder: Reminder | UUID, kind: str, debtor: str = "dubois", **facts: Any
) -> Admission:
    """Answers at the office's instant."""
    return await office.door.admit(answered(reminder, kind, debtor, **facts), now=office.now)
