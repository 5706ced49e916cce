"""The settings of the mailbox: nobody looks unless told where, and what cannot work is refused."""

import os
from pathlib import Path

import pytest

from config.sections import Tls
from config.settings import load
from domain.faults import ConfigurationFault

ACCOUNT = {"HOST": "mail.example", "USERNAME": "u", "PASSWORD": "hunter2"}


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts each test in an empty folder, without any variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RELANCE_")]:
        monkeypatch.delenv(name)


def test_nobody_looks_by_default() -> None:
    """Without a host no mailbox is read; an account is protected from the start unless told otherwise."""
    imap = load().imap
    assert (imap.host, imap.port, imap.tls) == (None, 993, Tls.IMPLICIT)
    assert (imap.folder, imap.archive, imap.every_seconds) == ("INBOX", "Relance", 60)


def test_an_account_is_read_and_its_password_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox is named by its variables; an empty archive means that mails are marked as seen."""
    for name, value in (ACCOUNT | {"ARCHIVE": ""}).items():
        monkeypatch.setenv(f"RELANCE_IMAP__{name}", value)
    settings = load()
    assert (settings.imap.host, settings.imap.archive) == ("mail.example", None)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"HOST": "mail.example"}, "set username and password"),
        (ACCOUNT | {"TLS": "none"}, "would travel unprotected"),
        (ACCOUNT | {"TLS": "starttls"}, "set tls to implicit, or port to 143"),
        (ACCOUNT | {"ARCHIVE": "INBOX"}, "never be put away"),
        (ACCOUNT | {"EVERY_SECONDS": "0"}, "seconds between two looks"),
    ],
)
def test_what_cannot_work_is_refused(
    values: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an account, an open connection to another machine, a folder moved into itself: each is named."""
    for name, value in values.items():
        monkeypatch.setenv(f"RELANCE_IMAP__{name}", value)
    with pytest.raises(ConfigurationFault) as refused:
        load()
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)
