"""The mailbox on a real IMAP server: fetched whole, put away once, over connections that can be trusted."""

from collections.abc import Iterator

import pytest

from config.sections import Tls
from domain.faults import Unavailable
from intake.mailbox.imap import ImapMailbox
from intake.mailbox.taking import State
from intake.mailbox.watching import Looked, look
from intake.readers.mail import LARGEST, read
from tests.mailbox.conftest import Office
from tests.mailbox.dovecot import PACKAGE, PASSWORD, Server, dovecot, program
from tests.mailbox.samples import mail

SECOND = mail("Très bien.\n", Message_ID="<2@x>", Subject="Re: F-1 été")


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    """Runs one IMAP server for the whole session."""
    binary = program()
    if binary is None:
        pytest.skip(f"no IMAP server: install the package {PACKAGE}")
    with dovecot(binary) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """Gives the server, with an empty account for each test."""
    return running.fresh()


async def look_once(server: Server, office: Office, **more: object) -> Looked:
    """Makes one pass over the account."""
    return await look(ImapMailbox(server.settings(**more)), office.database, office.shelf, office.now)


async def test_mails_are_taken_and_moved(server: Server, office: Office) -> None:
    """Every mail is taken as it came, and lies in the archive folder afterwards, still unseen there."""
    server.deliver(mail(Subject="F-1"), SECOND)
    assert await look_once(server, office) == Looked(taken=2)
    assert server.mails() == []
    kept = server.mails("Relance")
    assert [data for _, data in kept] == [mail(Subject="F-1"), SECOND]
    assert all("Seen" not in flags for flags, _ in kept)
    assert {one.id for one in await office.unread()} == {read(data).id for _, data in kept}
    assert await look_once(server, office) == Looked()


async def test_a_worker_that_dies_before_moving_takes_once(server: Server, office: Office) -> None:
    """A mail whose record is committed and which was not moved is known to the next worker, and moved."""
    server.deliver(mail(Subject="F-1"))

    class Dying(ImapMailbox):
        async def archive(self, mark: str) -> None:
            """Dies instead."""
            raise Unavailable(mark)

    with pytest.raises(Unavailable):
        await look(Dying(server.settings()), office.database, office.shelf, office.now)
    assert len(server.mails()) == 1
    assert await look_once(server, office) == Looked(known=1)
    assert (server.mails(), len(await office.holds())) == ([], 1)


async def test_without_an_archive_mails_are_marked_as_seen(server: Server, office: Office) -> None:
    """Where no archive folder is named, a mail stays and is marked as seen once it is taken."""
    server.deliver(mail(Subject="F-1"))
    assert await look_once(server, office, archive=None) == Looked(taken=1)
    ((flags, _),) = server.mails()
    assert "\\Seen" in flags
    assert await look_once(server, office, archive=None) == Looked()


async def test_folders_have_names_of_any_language(server: Server, office: Office) -> None:
    """A folder with accents is made and used, and used again."""
    for data in (mail(Subject="F-1"), SECOND):
        server.deliver(data)
        assert (await look_once(server, office, archive="Reçus & traités")).taken == 1
    assert len(server.mails("Re&AOc-us &- trait&AOk-s")) == 2


async def test_of_a_huge_mail_the_header_fields_are_fetched(server: Server, office: Office) -> None:
    """A mail above 10 MiB is known by its header fields alone, once."""
    server.deliver(mail(b"a line of sixteen\n" * (LARGEST // 16), Subject="F-1"))
    box = ImapMailbox(server.settings())
    (mark,) = await box.arrived()
    head = await box.fetch(mark)
    await box.close()
    assert head is not None
    assert head.endswith(b"\r\n\r\n")
    assert len(head) < 1000
    assert await office.get(head) is State.OPEN
    assert await look_once(server, office) == Looked(known=1)


async def test_a_mail_that_is_gone_is_none(server: Server) -> None:
    """A mail that somebody removed after it was listed is not there, and the others are."""
    server.deliver(mail(), SECOND)
    box = ImapMailbox(server.settings())
    marks = await box.arrived()
    with server.account() as account:
        account.select("INBOX")
        account.store("1", "+FLAGS", "\\Deleted")
        account.expunge()
    assert [await box.fetch(mark) for mark in marks] == [None, SECOND]
    await box.close()


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
async def test_a_protected_connection_checks_the_certificate(
    server: Server, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose certificate nobody vouches for is not talked to; a trusted one is."""
    port = server.protected if tls is Tls.IMPLICIT else server.plain
    box = ImapMailbox(server.settings(tls=tls, port=port))
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await box.arrived()
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    assert await box.arrived() == []
    await box.close()


async def test_a_refused_login_says_what_to_check(server: Server) -> None:
    """A wrong password is named as such, and not shown."""
    box = ImapMailbox(server.settings(password="wrong"))
    with pytest.raises(Unavailable, match="RELANCE_IMAP__PASSWORD") as refused:
        await box.arrived()
    assert "wrong" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


async def test_a_server_that_is_away_is_unavailable(server: Server) -> None:
    """Where nobody answers, or the folder does not exist, the mailbox is unavailable; no text is repeated."""
    for box in (ImapMailbox(server.settings(port=1)), ImapMailbox(server.settings(folder="Nowhere"))):
        with pytest.raises(Unavailable, match="does not answer as it should"):
            await box.arrived()
        await box.close()


async def test_a_broken_connection_is_made_anew(server: Server, office: Office) -> None:
    """A connection that died is given up at the end of the pass; the next one connects again."""
    server.deliver(mail(Subject="F-1"))
    box = ImapMailbox(server.settings())
    await box.arrived()
    assert box._opened is not None
    box._opened.client.shutdown()
    with pytest.raises(Unavailable):
        await look(box, office.database, office.shelf, office.now)
    assert (await look(box, office.database, office.shelf, office.now)).taken == 1
