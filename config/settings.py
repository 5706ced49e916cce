"""The settings of Relance: defaults, then relance.toml in the working folder, then RELANCE_* variables.

In: every setting with its default and its bounds; faults that name the variable, the value, the remedy.
Not in: the connection to Temporal (temporalio.envconfig: TEMPORAL_* or its profile file), policies, wording.
"""

import os
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from config.sections import Bind, Console, Folders, Imap, Oidc, Section, Smtp, Webhooks, empty_as_none
from domain.faults import ConfigurationFault

PREFIX = "RELANCE_"
NESTED = "__"
FILE = Path("relance.toml")
SHORTEST_KEY = 32
SECRETS = {"password", "database_url", "secret_key", "client_secret"}
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


class LogFormat(StrEnum):
    """Names the shapes of log lines; `auto` is text in a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    keys = secret.get_secret_value().split() if secret is not None else None
    if keys is not None and (not keys or min(map(len, keys)) < SHORTEST_KEY):
        msg = "a key that is so short can be guessed"
        raise ValueError(msg)
    return secret


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
    console: Console = Field(default_factory=Console)
    oidc: Oidc = Field(default_factory=Oidc)
    webhooks: Webhooks = Field(default_factory=Webhooks)
    log_format: LogFormat = Field(LogFormat.AUTO, description="one of auto, json, text")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="one of debug, info, warning, error"
    )
    metrics_bind: Annotated[Bind | None, BeforeValidator(empty_as_none)] = Field(
        None, description="host:port such as 127.0.0.1:9464, or nothing"
    )
    health_bind: Annotated[Bind | None, BeforeValidator(empty_as_none)] = Field(
        None, description="host:port such as 127.0.0.1:8086, or nothing"
    )
    messages_per_second: Annotated[float | None, BeforeValidator(empty_as_none)] = Field(
        10,
        gt=0,
        le=1000,
        description="how many steps are taken in a second at most, from 0.01 to 1000, or nothing",
    )
    lease_seconds: int = Field(90, ge=10, le=3600, description="seconds from 10 to 3600")
    attachments_limit_mb: int = Field(8, ge=0, le=50, description="megabytes from 0 to 50")
    secret_key: Annotated[SecretStr | None, BeforeValidator(empty_as_none), AfterValidator(_long_enough)] = (
        Field(
            None,
            description="32 characters or more, then older keys that still count, or nothing: one is made",
        )
    )
    link_days: int = Field(90, ge=1, le=730, description="days from 1 to 730")
    deployment_name: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="the name of the workers' deployment, letters, digits, - and _ only, or nothing",
    )
    build_id: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
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
    secret = path[-1] in SECRETS
    value = "(not shown)" if secret else repr(error["input"])
    return f"{variable} = {value}: {error['msg'].removeprefix('Value error, ')}; set it to {known[variable]}"
