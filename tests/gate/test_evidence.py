"""The evidence of a message is safe on the disk before anybody asks whether the message may leave."""

import asyncio
import os
from datetime import timedelta

import pytest

from activities.dispatch import Dispatch
from activities.mail import Delivery, Fate, SmtpRoom
from correspondence.samples import samples
from domain.policy import Channel
from tests.gate.house import NOON, House
from trial.mail import MailSink

PATIENCE = 20
MESSAGE = "5ce9a627-42a9-5bec-9407-cd0885d40cbd"


@pytest.fixture
def dispatch(house: House) -> Dispatch:
    """Gives the dispatch of the house, without the gate before it."""
    settings = house.settings
    return Dispatch(settings.folders, house.wording, SmtpRoom(settings.smtp), attachments_limit=0)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.LETTER])
async def test_the_disk_has_it_before_the_last_word(
    dispatch: Dispatch, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the last word is asked for, the disk has been waited for: the file and its name in the folder."""
    safe: list[int] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        fsync(handle)
        safe.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    reminder = samples("overdue", "fr")["one"].model_copy(update={"channel": channel})
    parcel = dispatch.prepare(reminder, MESSAGE, NOON)
    asked: list[list[int]] = []

    async def may_leave() -> bool:
        asked.append(list(safe))
        return True

    async with asyncio.timeout(PATIENCE):
        delivery = await dispatch.hand_over(parcel, may_leave)
    assert delivery.fate is Fate.ACCEPTED
    assert asked == [[parcel.evidence.stat().st_ino, parcel.evidence.parent.stat().st_ino]]
    assert parcel.evidence.read_bytes() == parcel.content


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.LETTER])
async def test_without_evidence_nothing_leaves(dispatch: Dispatch, sink: MailSink, channel: Channel) -> None:
    """Where the evidence cannot be made safe, no last word is asked for and nothing leaves: try again."""
    reminder = samples("overdue", "fr")["one"].model_copy(update={"channel": channel})
    parcel = dispatch.prepare(reminder, MESSAGE, NOON)
    parcel.draft.unlink()
    asked: list[bool] = []

    async def may_leave() -> bool:
        asked.append(True)
        return True

    async with asyncio.timeout(PATIENCE):
        delivery = await dispatch.hand_over(parcel, may_leave)
    assert delivery == Delivery(Fate.NOT_NOW, "FileNotFoundError")
    assert asked == []
    assert sink.received == []
    assert not list(dispatch.folders.letters.glob("*"))


async def test_an_attempt_that_may_not_leave_touches_no_evidence(dispatch: Dispatch) -> None:
    """An attempt that comes back after another one has sent leaves the evidence of that one as it is."""
    reminder = samples("overdue", "fr")["one"]
    late = dispatch.prepare(reminder, MESSAGE, NOON)
    sent = dispatch.prepare(reminder, MESSAGE, NOON + timedelta(minutes=3))

    async def yes() -> bool:
        return True

    async def no() -> bool:
        return False

    async with asyncio.timeout(PATIENCE):
        assert (await dispatch.hand_over(sent, yes)).fate is Fate.ACCEPTED
        assert (await dispatch.hand_over(late, no)).fate is Fate.WITHDRAWN
    assert late.content != sent.content
    assert sent.evidence.read_bytes() == sent.content
    assert [path.name for path in sent.evidence.parent.iterdir() if path.is_file()] == [sent.evidence.name]
