"""The mail sink: it keeps what arrives, byte for byte, and fails where it is told to."""

import mailbox
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from domain.faults import Unavailable
from trial.mail import Fault, MailSink, mail_sink


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[MailSink]:
    """Runs a sink on a free port."""
    async with mail_sink(tmp_path / "Maildir", 0) as running:
        yield running


def letter(subject: str = "Facture F-1 à régler", to: str = "a@debtor.test") -> EmailMessage:
    """Writes a small message."""
    message = EmailMessage()
    message["From"] = "c@creditor.test"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Bonjour,\n\nmerci de régler.\n")
    return message


async def post(sink: MailSink, message: EmailMessage, *, timeout: float = 5) -> None:  # noqa: ASYNC109 - aiosmtplib's own
    """Sends a message to the sink."""
    await aiosmtplib.send(message, hostname="127.0.0.1", port=sink.port, timeout=timeout, start_tls=False)


async def test_messages_are_kept_twice(sink: MailSink, tmp_path: Path) -> None:
    """Each message lies in the Maildir and as a numbered readable file, with its envelope on record."""
    await post(sink, letter())
    await post(sink, letter("Second"))
    assert sorted(path.name for path in (tmp_path / "eml").iterdir()) == [
        "0001-facture-f-1-a-regler.eml",
        "0002-second.eml",
    ]
    assert len(mailbox.Maildir(tmp_path / "Maildir")) == 2
    first = sink.received[0]
    assert (first.sender, first.recipients) == ("c@creditor.test", ("a@debtor.test",))
    assert first.message["Subject"] == "Facture F-1 à régler"
    assert first.path.read_bytes() == first.content


async def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """A sink that starts again on the same folder overwrites nothing."""
    for _ in range(2):
        async with mail_sink(tmp_path / "Maildir", 0) as sink:
            await post(sink, letter("Same"))
    assert sorted(path.name for path in (tmp_path / "eml").iterdir()) == ["0001-same.eml", "0002-same.eml"]


@pytest.mark.parametrize(("fault", "code"), [(Fault.REFUSE_RECIPIENT, 550), (Fault.DEFER_RECIPIENT, 451)])
async def test_one_recipient_can_be_refused(sink: MailSink, fault: Fault, code: int) -> None:
    """The scripted recipient gets the scripted code, and another is served."""
    sink.script(fault, recipient="a@debtor.test")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await post(sink, letter())
    assert [recipient.code for recipient in refused.value.recipients] == [code]
    await post(sink, letter(to="b@debtor.test"))
    assert [message.recipients for message in sink.received] == [("b@debtor.test",)]


@pytest.mark.parametrize(("fault", "code"), [(Fault.REFUSE_MESSAGE, 554), (Fault.DEFER_MESSAGE, 451)])
async def test_a_message_can_be_refused_once(sink: MailSink, fault: Fault, code: int) -> None:
    """The scripted number of messages is refused after their data, and the next one is kept."""
    sink.script(fault, times=1)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await post(sink, letter())
    assert refused.value.code == code
    assert sink.received == []
    await post(sink, letter())
    assert len(sink.received) == 1


@pytest.mark.parametrize(("fault", "kept"), [(Fault.DROP_KEPT, 1), (Fault.DROP_LOST, 0)])
async def test_a_connection_can_die_after_the_data(sink: MailSink, fault: Fault, kept: int) -> None:
    """The sender sees the same broken connection whether the message was kept or not."""
    sink.script(fault)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await post(sink, letter())
    assert len(sink.received) == kept
    sink.heal()
    await post(sink, letter())
    assert len(sink.received) == kept + 1


async def test_an_answer_can_be_late(sink: MailSink) -> None:
    """A slow server answers well after its delay, and a sender that waits less gives up."""
    sink.script(Fault.SLOW, seconds=0.4)
    begun = time.monotonic()
    await post(sink, letter())
    assert time.monotonic() - begun >= 0.4
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await post(sink, letter(), timeout=0.1)


async def test_a_taken_port_is_explained(sink: MailSink, tmp_path: Path) -> None:
    """A second sink on the same port is refused with a remedy."""
    with pytest.raises(Unavailable, match="choose another port"):
        async with mail_sink(tmp_path / "other", sink.port):
            pass
