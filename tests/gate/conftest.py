"""What the tests of the gate share: the wording and the policies of the house, and the house itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from config.catalogue import load_policies
from config.sections import Folders, Smtp
from config.settings import Settings
from correspondence.wording import Wording
from domain.policy import DunningPolicy
from ledger.database import Database
from tests.gate.house import House
from trial.mail import MailSink, mail_sink


@pytest.fixture(scope="session")
def wording() -> Wording:
    """Loads the wording that is shipped."""
    return Wording.load(Folders().wording)


@pytest.fixture(scope="session")
def catalogue() -> dict[str, DunningPolicy]:
    """Loads the policies that are shipped."""
    return load_policies(Folders().policies)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(tmp_path: Path) -> AsyncIterator[MailSink]:
    """Runs a mailbox."""
    async with mail_sink(tmp_path / "mail" / "Maildir", 0) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, sink: MailSink) -> Settings:
    """Puts everything under the test's folder; mail goes to the mailbox."""
    return Settings(
        folders=Folders(var=tmp_path / "var"), smtp=Smtp(port=sink.port, timeout_seconds=5), lease_seconds=10
    )


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    database: Database,
    settings: Settings,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
    sink: MailSink,
) -> House:
    """Gives a house with an empty record, on each kind of database in turn."""
    return House(database, settings, wording, catalogue, sink)
