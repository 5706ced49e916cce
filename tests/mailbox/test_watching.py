"""Passes over a mailbox: what is taken is put away, after it is on record, and no mail stops another."""

import asyncio

import pytest
import structlog

from correspondence.email import message_id
from domain.faults import Unavailable
from intake.mailbox import watching
from intake.mailbox.watching import Looked, Mailbox, keep_looking, look
from ledger.database import Database
from tests.mailbox import samples
from tests.mailbox.conftest import Office
from tests.mailbox.samples import mail


class Drawer(Mailbox):
    """Keeps mails in memory; what a test asks for goes wrong."""

    def __init__(self, *mails: bytes) -> None:
        """Puts mails into the box."""
        self.box = {str(number): data for number, data in enumerate(mails)}
        self.put_away: list[str] = []
        self.broken: dict[str, Exception] = {}
        self.passes = 0
        self._passed = asyncio.Condition()

    async def arrived(self) -> list[str]:
        """Lists what has not been put away."""
        self._fail("arrived")
        return [mark for mark in self.box if mark not in self.put_away]

    async def fetch(self, mark: str) -> bytes | None:
        """Gives a mail."""
        self._fail(f"fetch {mark}")
        return self.box[mark]

    async def archive(self, mark: str) -> None:
        """Remembers that a mail was put away."""
        self._fail(f"archive {mark}")
        self.put_away.append(mark)

    async def close(self) -> None:
        """Counts the passes."""
        async with self._passed:
            self.passes += 1
            self._passed.notify_all()

    async def reached(self, passes: int) -> None:
        """Waits until so many passes have been made."""
        async with self._passed:
            await self._passed.wait_for(lambda: self.passes >= passes)

    def _fail(self, what: str) -> None:
        if what in self.broken:
            raise self.broken[what]


async def looked(box: Mailbox, office: Office) -> Looked:
    """Makes one pass."""
    return await look(box, office.database, office.shelf, office.now)


async def test_a_pass_takes_everything_and_puts_it_away(office: Office) -> None:
    """Each mail is taken and put away; a second pass finds nothing."""
    box = Drawer(mail(Subject="F-1"), mail(Message_ID="<2@x>", Subject="Hello"), b"")
    assert await looked(box, office) == Looked(taken=3, unknown=2)
    assert box.put_away == ["0", "1", "2"]
    assert await looked(box, office) == Looked()
    assert (box.passes, await office.kept()) == (2, 3)


async def test_a_crash_before_the_mail_is_put_away_takes_it_once(office: Office) -> None:
    """A mail that is on record and still in the box is known, and put away by the next pass."""
    box = Drawer(mail(Subject="F-1"), mail(Subject="F-1", Message_ID="<2@x>"))
    box.broken["archive 0"] = Unavailable("the connection broke")
    with pytest.raises(Unavailable):
        await looked(box, office)
    assert (await office.kept(), box.put_away, box.passes) == (1, [], 1)
    box.broken.clear()
    assert await looked(box, office) == Looked(taken=1, known=1)
    assert len(await office.holds()) == 2


async def test_what_one_mail_suffers_from_stops_no_other(office: Office) -> None:
    """A fault that nobody foresaw is one mail's own: it stays in the box, and the others are taken."""
    box = Drawer(mail(Message_ID="<1@x>"), mail(Message_ID="<2@x>"), mail(Message_ID="<3@x>"))
    box.broken["fetch 1"] = ValueError("nobody foresaw this")
    assert await looked(box, office) == Looked(taken=2, failed=1)
    assert box.put_away == ["0", "2"]


async def test_a_mail_that_is_gone_is_none(office: Office) -> None:
    """A mail that somebody moved meanwhile is not there to be taken."""

    class Emptied(Drawer):
        async def fetch(self, mark: str) -> bytes | None:
            """Finds nothing."""
            return None if mark == "0" else await super().fetch(mark)

    box = Emptied(mail(), mail(Message_ID="<2@x>"))
    assert (await looked(box, office)).taken == 1
    assert box.put_away == ["1"]


async def test_nothing_personal_is_logged(office: Office) -> None:
    """A pass logs ids and counts, and no address, subject or text."""
    reminder = await office.remind()
    box = Drawer(samples.reply("Un secret.", message_id(reminder)), samples.report())
    box.broken["fetch 1"] = ValueError("factures@dubois.example")
    with structlog.testing.capture_logs() as lines:
        await looked(box, office)
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["mail_taken", "mail_failed"]
    for secret in ("dubois", "Facture", "secret", "Paul"):
        assert secret not in str(lines)


async def test_looking_goes_on_until_told_to_stop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mailbox that does not answer is tried again, ever more rarely, and said once."""
    monkeypatch.setattr(watching, "LONGEST_REST", 0.02)
    box, stop = Drawer(mail()), asyncio.Event()
    box.broken["arrived"] = Unavailable("the mailbox does not answer")
    with structlog.testing.capture_logs() as lines:
        looking = asyncio.create_task(keep_looking(box, database, stop, 0.001))
        await asyncio.wait_for(box.reached(5), 5)
        box.broken.clear()
        await asyncio.wait_for(box.reached(box.passes + 3), 5)
        stop.set()
        await asyncio.wait_for(looking, 5)
    assert box.put_away == ["0"]
    said = [line["event"] for line in lines if line["log_level"] in {"warning", "info"}]
    assert said == ["mailbox_waits", "mail_taken", "mailbox_resumed"]


async def test_told_to_stop_it_ends_after_the_mail_at_hand(office: Office) -> None:
    """A worker that is leaving takes no further mail."""
    stop = asyncio.Event()

    class Stopping(Drawer):
        async def archive(self, mark: str) -> None:
            """Is told to stop meanwhile."""
            await super().archive(mark)
            stop.set()

    box = Stopping(mail(), mail(Message_ID="<2@x>"))
    await look(box, office.database, office.shelf, office.now, stop)
    assert box.put_away == ["0"]
