"""The mailbox against the record: each message once, the same bytes, nothing else."""

import pytest
import sqlalchemy as sa

from audit.mailbox import audit_mailbox
from ledger.schema import messages
from tests.audit.forging import Forger
from trial.mail import Fault

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Postman:
    """Looks into the mailbox of a house."""

    def __init__(self, forger: Forger) -> None:
        """Takes what the mailbox has received."""
        self.forger = forger
        self.received = [(str(one.message["Message-ID"]), one.content) for one in forger.house.sink.received]

    async def found(self) -> dict[str, int]:
        """Compares the mailbox with the record."""
        report = await audit_mailbox(self.forger.house.database, self.received, now=self.forger.house.now)
        return {kind.value: count for kind, count in report.totals.items() if count}


async def test_what_really_left_is_there_once(forger: Forger) -> None:
    """After a refusal, a doubt that was kept and one that was lost, the mailbox and the record agree."""
    sink = forger.house.sink
    sink.script(Fault.DROP_KEPT, times=1)
    await forger.house.knock()
    await forger.house.bill("F-2", due="2026-06-30")
    sink.script(Fault.DROP_LOST, times=1)
    await forger.house.knock("F-2")
    await forger.house.bill("F-3", due="2026-08-31")
    sink.script(Fault.REFUSE_MESSAGE, times=1)
    await forger.house.knock("F-3")
    postman = Postman(forger)
    assert await postman.found() == {}
    assert len(postman.received) == 2


async def test_what_should_not_be_in_a_mailbox(forger: Forger) -> None:
    """A copy, other bytes, a stranger, a message that never left: each is found."""
    postman = Postman(forger)
    ((header, content),) = postman.received
    postman.received = [(header, content), (header, content)]
    assert await postman.found() == {"twice_in_mailbox": 1}
    postman.received = [(header, content + b" ")]
    assert await postman.found() == {"altered": 1}
    postman.received = [(header, content), ("<someone@else.example>", b"hello")]
    assert await postman.found() == {"stray": 1}
    postman.received = []
    assert await postman.found() == {"not_in_mailbox": 1}
    postman.received = [(header, content)]
    await forger.run(sa.update(messages).values(state="failed"))
    assert await postman.found() == {"denied": 1}
