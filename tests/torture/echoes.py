"""The deeds of those who answer: replies and bounces of our e-mails, statuses of the e-invoicing network.

In: mails written as mail programs write them, read and taken as a mailbox is; statuses at the door.
Not in: when they come (stories.py), and the fetching of mails by IMAP (tests/mailbox/).
"""

from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa

from intake.mailbox import reading, taking
from intake.readers import mail
from ledger.schema import incoming, messages
from tests.torture.deeds import AUTHOR
from tests.torture.parley import Parley

REPORT = """From: MAILER-DAEMON@mx.example
To: {sender}
Message-ID: <{name}@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Your message could not be delivered.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
--B
Content-Type: text/rfc822-headers

Message-ID: {header}
--B--
"""

REPLY = """From: {address}
To: {sender}
Subject: Re: votre facture
Message-ID: <{name}@debtor.example>
In-Reply-To: {header}

Bonjour, nous regardons cela.
"""


class Echoes(Parley):
    """Does what happens to one account, and answers what was written to it."""

    async def _reply(self, now: datetime, number: str, **_: object) -> str:
        return await self._come_back(now, REPLY, f"reply-{number}")

    async def _bounce(self, now: datetime, number: str, **_: object) -> str:
        return await self._come_back(now, REPORT, f"bounce-{number}")

    async def _come_back(self, now: datetime, how: str, name: str) -> str:
        """Takes a mail that answers the last one that was sent; the same one whenever it is taken again."""
        of = (messages.c.creditor == self.creditor, messages.c.debtor == self.story.debtor.id)
        query = sa.select(messages.c.message_id, messages.c.recipients).where(
            *of, messages.c.message_id.is_not(None), messages.c.state == "sent"
        )
        async with self.house.database.reading() as conn:
            last = (await conn.execute(query.order_by(messages.c.sent_at.desc()).limit(1))).one_or_none()
        if last is None or not last.recipients:
            return "nothing was written that could be answered"
        written = how.format(
            sender=self.story.creditor.email, address=last.recipients[0], header=last.message_id, name=name
        )
        read = mail.read(written.replace("\n", "\r\n").encode())
        state = await taking.take(self.house.database, self.house.shelf, read, now)
        return f"{read.kind}: {state.value if state is not None else 'known'}"

    async def _read_mails(self, now: datetime, **_: object) -> str:
        of = (incoming.c.creditor == self.creditor, incoming.c.debtor == self.story.debtor.id)
        query = sa.select(incoming.c.id).where(*of, incoming.c.state == taking.State.OPEN.value)
        async with self.house.database.reading() as conn:
            waiting = (await conn.execute(query.order_by(incoming.c.id))).scalars().all()
        for name in waiting:
            await reading.mark_read(self.house.database, self.house.shelf, name, AUTHOR, now)
        return f"{len(waiting)} read"

    # The network

    async def _status(self, now: datetime, number: str, code: str, on: float, **more: object) -> str:
        at = min(self.begun + timedelta(days=on), now)
        name = sha256(f"{number}{code}{on}".encode()).hexdigest()[:12]
        facts = {"number": number, "code": code, "at": at, "message": f"{number}_{code}#{name}"}
        return await self.admit(now, "invoice.status_reported", creditor=self.creditor, **facts, **more)

    async def mend(self, number: str, now: datetime) -> str:
        """Sends an invoice again that the debtor's side refused, as a later version of the same facts."""
        async with self.book(now) as book:
            invoice, version = book.case(number).invoice, book.stored[number].version + 1
        facts = invoice.model_dump(
            include={"creditor", "number", "debtor", "issue_date", "due_date", "total", "direct_debit"}
        )
        return await self.admit(now, "invoice.created", version=version, **facts)

    async def take_over(self, number: str, now: datetime) -> str:
        """States that no factor collects an invoice any more."""
        on = (now - self.begun) / timedelta(days=1)
        return await self._status(now, number, "228", on, reporter="SE")
