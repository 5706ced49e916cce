"""The settings of Relance: defaults, then relance.toml in the working folder, then RELANCE_* variables.

In: every setting with its default and its bounds; faults that name the variable, the value, the remedy.
Not in: the connection to Temporal (temporalio.envconfig: TEMPORAL_* or its profile file), policies, wording.
"""

import os
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from domain.faults import ConfigurationFault

PREFIX = "RELANCE_"
NESTED = "__"
FILE = Path("relance.toml")
HERE = Path(__file__).resolve().parent
HIGHEST_PORT = 65535
IMAPS_PORT = 993
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


def _database(url: str) -> str:
    """Names the asynchronous driver where the URL leaves it open."""
    scheme, mark, rest = url.partition("://")
    scheme = DRIVERS.get(scheme, scheme)
    if not mark or scheme not in DRIVERS.values():
        msg = "not a database that Relance can use"
        raise ValueError(msg)
    return f"{scheme}://{rest}"


def _bind(address: str) -> str:
    host, mark, port = address.rpartition(":")
    if not (host and mark and port.isdecimal() and int(port) <= HIGHEST_PORT):
        msg = "not an address of the form host:port"
        raise ValueError(msg)
    return address


def _empty_as_none(value: Any) -> Any:
    return None if value == "" else value


Bind = Annotated[str, AfterValidator(_bind)]
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]


class Section(BaseModel):
    """Groups settings under one table of the file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Folders(Section):
    """Says where files are kept; relative paths count from the working folder.

    Moving `var` moves everything that is not placed by itself.
    """

    var: Path = Field(Path("var"), description="the folder of this machine's records")
    letters: Path = Field(
        default_factory=lambda known: known["var"] / "letters", description="the folder of letters to post"
    )
    handoffs: Path = Field(
        default_factory=lambda known: known["var"] / "handoffs", description="the folder of handed-off cases"
    )
    documents: Path = Field(
        default_factory=lambda known: known["var"] / "documents",
        description="the folder of invoice documents",
    )
    evidence: Path = Field(
        default_factory=lambda known: known["var"] / "messages",
        description="the folder of messages as they were sent",
    )
    audits: Path = Field(
        default_factory=lambda known: known["var"] / "audits",
        description="the folder of the reports of nightly audits",
    )
    policies: Path = Field(HERE / "policies", description="the folder of policies in TOML")
    wording: Path = Field(HERE / "wording", description="the folder of wordings")


class Tls(StrEnum):
    """Names the ways in which a mail connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class Smtp(Section):
    """Says through which server e-mails leave."""

    host: str = Field("127.0.0.1", min_length=1, description="the mail server's name or address")
    port: Port = Field(
        1025, description="a port from 1 to 65535; 587 is usual with starttls, 465 with implicit"
    )
    username: str | None = Field(None, description="the account's name, or nothing")
    password: SecretStr | None = Field(None, description="the account's password, or nothing")
    tls: Tls = Field(Tls.NONE, description="one of none, starttls, implicit")
    timeout_seconds: float = Field(20, gt=0, le=120, description="seconds, at most 120")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if (self.username is None) != (self.password is None):
            msg = "username and password go together: set both, or none"
            raise ValueError(msg)
        if self.password is not None and self.tls is Tls.NONE and not _is_local(self.host):
            msg = "the password would travel unprotected: set tls to starttls or implicit"
            raise ValueError(msg)
        return self


class Imap(Section):
    """Says where what comes back by e-mail is read; without a host nobody looks.

    Everything that arrives in `folder` is taken and moved to `archive`. Without an archive folder it is
    marked as seen instead, and what somebody has opened before is missed.
    """

    host: Annotated[str | None, BeforeValidator(_empty_as_none)] = Field(
        None, description="the name or address of the server that receives replies, or nothing"
    )
    port: Port = Field(
        993, description="a port from 1 to 65535; 993 is usual with implicit, 143 with starttls"
    )
    username: str | None = Field(None, description="the account's name, or nothing")
    password: SecretStr | None = Field(None, description="the account's password, or nothing")
    tls: Tls = Field(Tls.IMPLICIT, description="one of none, starttls, implicit")
    folder: str = Field("INBOX", min_length=1, description="the folder in which replies and bounces arrive")
    archive: Annotated[str | None, BeforeValidator(_empty_as_none)] = Field(
        "Relance", description="the folder to which they are moved, or nothing: they are marked as seen"
    )
    every_seconds: float = Field(60, ge=1, le=3600, description="seconds between two looks, from 1 to 3600")
    timeout_seconds: float = Field(20, gt=0, le=120, description="seconds, at most 120")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.host is not None and (self.username is None or self.password is None):
            msg = "a mailbox has an account: set username and password"
            raise ValueError(msg)
        if self.host is not None and self.tls is Tls.NONE and not _is_local(self.host):
            msg = "the password would travel unprotected: set tls to starttls or implicit"
            raise ValueError(msg)
        if self.tls is Tls.STARTTLS and self.port == IMAPS_PORT:
            msg = f"port {IMAPS_PORT} is protected from the start: set tls to implicit, or port to 143"
            raise ValueError(msg)
        if self.archive == self.folder:
            msg = "folder and archive are the same: what was taken would never be put away"
            raise ValueError(msg)
        return self


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class LogFormat(StrEnum):
    """Names the shapes of log lines; `auto` is text in a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Holds every setting; read them with `load`, which explains what cannot be used."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        extra="forbid",
        frozen=True,
        toml_file=FILE,
    )

    folders: Folders = Field(default_factory=Folders)
    database_url: Annotated[str, AfterValidator(_database)] = Field(
        default_factory=lambda known: f"sqlite+aiosqlite:///{known['folders'].var / 'relance.sqlite3'}",
        repr=False,
        description="sqlite:///path/to/file, or postgresql://user:password@host/name",
    )
    task_queue: str = Field("relance", min_length=1, max_length=200, description="the name of a task queue")
    smtp: Smtp = Field(default_factory=Smtp)
    imap: Imap = Field(default_factory=Imap)
    log_format: LogFormat = Field(LogFormat.AUTO, description="one of auto, json, text")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="one of debug, info, warning, error"
    )
    metrics_bind: Annotated[Bind | None, BeforeValidator(_empty_as_none)] = Field(
        None, description="host:port such as 127.0.0.1:9464, or nothing"
    )
    health_bind: Annotated[Bind | None, BeforeValidator(_empty_as_none)] = Field(
        None, description="host:port such as 127.0.0.1:8086, or nothing"
    )
    messages_per_second: Annotated[float | None, BeforeValidator(_empty_as_none)] = Field(
        10,
        gt=0,
        le=1000,
        description="how many steps are taken in a second at most, from 0.01 to 1000, or nothing",
    )
    lease_seconds: int = Field(90, ge=10, le=3600, description="seconds from 10 to 3600")
    attachments_limit_mb: int = Field(8, ge=0, le=50, description="megabytes from 0 to 50")
    deployment_name: Annotated[str | None, BeforeValidator(_empty_as_none)] = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="the name of the workers' deployment, letters, digits, - and _ only, or nothing",
    )
    build_id: Annotated[str | None, BeforeValidator(_empty_as_none)] = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$",
        description="the release of these workers, such as 2026.11.2, or nothing; with deployment_name only",
        validate_default=True,
    )

    @field_validator("build_id")
    @classmethod
    def _with_deployment_name(cls, build: str | None, known: ValidationInfo) -> str | None:
        if (build is None) != (known.data.get("deployment_name") is None):
            msg = "deployment_name and build_id go together: set both, or none"
            raise ValueError(msg)
        return build

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - see above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Puts arguments over variables over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load() -> Settings:
    """Reads the settings; raises ConfigurationFault with one line for each that cannot be used."""
    if unknown := _unknown_variables():
        raise ConfigurationFault("\n".join(unknown))
    try:
        return Settings()
    except ValidationError as refused:
        lines = [
            _explained(error) for error in refused.errors() if error["type"] != "default_factory_not_called"
        ]
        raise ConfigurationFault("\n".join(lines)) from None
    except TOMLDecodeError as broken:
        msg = f"{FILE} is not TOML: {broken}; mend that line"
        raise ConfigurationFault(msg) from None
    except UnicodeDecodeError:
        msg = f"{FILE} is not UTF-8 text; save it as UTF-8"
        raise ConfigurationFault(msg) from None
    except OSError as unreadable:
        msg = f"{FILE} cannot be read: {unreadable.strerror}; make it readable or remove it"
        raise ConfigurationFault(msg) from None
    except SettingsError as unreadable:
        msg = f"{unreadable}; set each value by itself, as in {PREFIX}SMTP{NESTED}PORT=587"
        raise ConfigurationFault(msg) from None


def _variables(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[str, str]:
    """Maps each environment variable to what it may be set to."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            found |= _variables(inner, (*path, name))
        else:
            found[_variable((*path, name))] = field.description or ""
    return found


def _variable(path: tuple[str | int, ...]) -> str:
    return PREFIX + NESTED.join(str(part) for part in path).upper()


def _unknown_variables() -> list[str]:
    known = _variables(Settings)
    return [
        f"{name}: there is no such setting; {_nearest(name, known)}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]


def _nearest(name: str, known: dict[str, str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else "remove it"


def _explained(error: ErrorDetails) -> str:
    """Says which variable has which value and what to do; secrets and whole sections are not shown."""
    path = tuple(part for part in error["loc"] if isinstance(part, str))
    variable = _variable(path)
    known = _variables(Settings)
    if error["type"] == "extra_forbidden":
        return (
            f"{variable} ({'.'.join(path)} in {FILE}): there is no such setting; {_nearest(variable, known)}"
        )
    if variable not in known:
        return f"{variable}{NESTED}*: {error['msg'].removeprefix('Value error, ')}"
    secret = path[-1] in {"password", "database_url"}
    value = "(not shown)" if secret else repr(error["input"])
    return f"{variable} = {value}: {error['msg'].removeprefix('Value error, ')}; set it to {known[variable]}"
