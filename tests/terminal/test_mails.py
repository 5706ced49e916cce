"""Mails that came back, at the command line."""

import asyncio
from datetime import UTC, datetime

from intake.mailbox.taking import take
from intake.readers.mail import read
from ledger.database import Database
from ledger.policies import Shelf
from tests.mailbox import samples
from tests.terminal.conftest import Terminal

CAME = datetime(2026, 11, 24, 1, 39, tzinfo=UTC)


def receive(terminal: Terminal, mail: bytes) -> None:
    """Takes a mail as the worker does."""

    async def work() -> None:
        async with await Database.open(f"sqlite:///{terminal.folder}/var/relance.sqlite3") as database:
            await take(database, Shelf(), read(mail), CAME)

    asyncio.run(work())


def test_a_mail_is_listed_and_shown_line_by_line(loaded: Terminal) -> None:
    """A mail of nobody known waits to be read; its text keeps its lines."""
    receive(loaded, samples.mail("Bonjour,\nnous avons payé.\n"))
    assert "mar. 24/11/2026 01:39" in loaded.done("mails", "--lang", "fr")
    [mail] = loaded.told("mails")["mails"]
    shown = loaded.done("mails", "show", mail["id"][:12])
    assert shown.splitlines()[-2:] == ["Bonjour,", "nous avons payé."]
    assert "what it held goes on" in loaded.done("mails", "done", mail["id"][:12])
    assert loaded.done("mails", "--lang", "fr") == "aucun courriel n'attend d'être lu.\n"
    assert loaded("mails", "show", "zz").exit_code == 4
