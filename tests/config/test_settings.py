"""Settings: where they come from, and how a wrong one is explained."""

import os
from pathlib import Path

import pytest

from config.sections import Tls
from config.settings import LogFormat, Settings, load
from domain.faults import ConfigurationFault


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts each test in an empty folder, without any variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RELANCE_")]:
        monkeypatch.delenv(name)


def refusal() -> str:
    """Gives the text of the fault that loading raises."""
    with pytest.raises(ConfigurationFault) as caught:
        load()
    return str(caught.value)


def test_defaults_need_nothing() -> None:
    """Without file and variables the settings serve one machine."""
    settings = load()
    assert settings.database_url == "sqlite+aiosqlite:///var/relance.sqlite3"
    assert settings.task_queue == "relance"
    assert settings.folders.letters == Path("var/letters")
    assert settings.folders.evidence == Path("var/messages")
    assert settings.folders.policies.is_absolute()
    assert (settings.smtp.host, settings.smtp.port, settings.smtp.tls) == ("127.0.0.1", 1025, Tls.NONE)
    assert settings.smtp.timeout_seconds == 20
    assert settings.log_format is LogFormat.AUTO
    assert settings.metrics_bind is None
    assert (settings.lease_seconds, settings.attachments_limit_mb) == (90, 8)


def test_variables_win_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable overrides the file, and the file overrides the default, value by value."""
    Path("relance.toml").write_text('task_queue = "file"\n[smtp]\nhost = "mail.test"\nport = 2525\n', "utf-8")
    monkeypatch.setenv("RELANCE_SMTP__PORT", "587")
    settings = load()
    assert settings.task_queue == "file"
    assert (settings.smtp.host, settings.smtp.port) == ("mail.test", 587)


def test_moving_var_moves_what_lies_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders and the database that are not placed by themselves follow `var`."""
    monkeypatch.setenv("RELANCE_FOLDERS__VAR", "/srv/relance")
    monkeypatch.setenv("RELANCE_FOLDERS__HANDOFFS", "/srv/partner")
    settings = load()
    assert settings.folders.letters == Path("/srv/relance/letters")
    assert settings.folders.handoffs == Path("/srv/partner")
    assert settings.database_url == "sqlite+aiosqlite:////srv/relance/relance.sqlite3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_postgresql_urls_get_their_driver(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual ways of writing a PostgreSQL URL all lead to the same driver."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", f"{scheme}://u:p@db/relance")
    assert load().database_url == "postgresql+asyncpg://u:p@db/relance"


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("RELANCE_SMTP__PORT", "70000", "a port from 1 to 65535"),
        ("RELANCE_SMTP__TLS", "ssl", "one of none, starttls, implicit"),
        ("RELANCE_LOG_FORMAT", "xml", "one of auto, json, text"),
        ("RELANCE_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("RELANCE_METRICS_BIND", "9464", "host:port such as 127.0.0.1:9464"),
        ("RELANCE_LEASE_SECONDS", "soon", "seconds from 10 to 3600"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(
    variable: str, value: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused value comes back with its variable, itself and what it may be."""
    monkeypatch.setenv(variable, value)
    text = refusal()
    assert f"{variable} = {value!r}: " in text
    assert remedy in text
    assert "\n" not in text


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes give two lines, so that neither needs a second attempt to be seen."""
    monkeypatch.setenv("RELANCE_SMTP__PORT", "0")
    monkeypatch.setenv("RELANCE_LEASE_SECONDS", "1")
    assert [line.split(" ", 1)[0] for line in refusal().splitlines()] == [
        "RELANCE_SMTP__PORT",
        "RELANCE_LEASE_SECONDS",
    ]


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that nothing reads is a mistake, and the nearest name is offered."""
    monkeypatch.setenv("RELANCE_DATABSE_URL", "sqlite:///x")
    assert refusal() == "RELANCE_DATABSE_URL: there is no such setting; did you mean RELANCE_DATABASE_URL?"


def test_a_misspelt_key_of_the_file_is_refused() -> None:
    """A key of the file that nothing reads is refused with the nearest name."""
    Path("relance.toml").write_text("[smtp]\nhots = 'mail.test'\n", "utf-8")
    text = refusal()
    assert "smtp.hots in relance.toml" in text
    assert "did you mean RELANCE_SMTP__HOST?" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"port = = 1", "relance.toml is not TOML"), (b"a = '\xe9'", "relance.toml is not UTF-8")],
)
def test_a_broken_file_is_refused(content: bytes, said: str) -> None:
    """A file that cannot be read says so, and what to do."""
    Path("relance.toml").write_bytes(content)
    assert said in refusal()


def test_a_broken_folder_is_explained_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that others derive from is reported once, without its consequences."""
    Path("relance.toml").write_text("[folders]\nvar = 3\n", "utf-8")
    assert refusal().startswith("RELANCE_FOLDERS__VAR = 3: ")
    monkeypatch.setenv("RELANCE_SMTP", "[not json")
    assert "RELANCE_SMTP" in refusal()


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' text nor a fault shows a password."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", "mysql://u:hunter2@db/relance")
    text = refusal()
    assert "RELANCE_DATABASE_URL = (not shown)" in text
    assert "hunter2" not in text
    monkeypatch.setenv("RELANCE_DATABASE_URL", "postgresql://u:hunter2@db/relance")
    monkeypatch.setenv("RELANCE_SMTP__USERNAME", "u")
    monkeypatch.setenv("RELANCE_SMTP__PASSWORD", "hunter2")
    settings = load()
    assert settings.smtp.password is not None
    assert settings.smtp.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"USERNAME": "u"}, "username and password go together"),
        ({"HOST": "mail.test", "USERNAME": "u", "PASSWORD": "hunter2"}, "would travel unprotected"),
    ],
)
def test_unsafe_mail_accounts_are_refused(
    values: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an account, or a password over an open connection to another machine, is refused unshown."""
    for name, value in values.items():
        monkeypatch.setenv(f"RELANCE_SMTP__{name}", value)
    text = refusal()
    assert said in text
    assert text.startswith("RELANCE_SMTP__*")
    assert "hunter2" not in text


def test_arguments_win_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test or a composition root can state a setting directly."""
    monkeypatch.setenv("RELANCE_TASK_QUEUE", "variable")
    assert Settings(task_queue="argument").task_queue == "argument"
