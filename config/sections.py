"""The sections of the settings: each groups what belongs together, with its defaults and its bounds.

In: folders, mail out, mail back, the console, the identity provider.
Not in: reading them from a file and from variables (settings.py).
"""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

HERE = Path(__file__).resolve().parent
HIGHEST_PORT = 65535
IMAPS_PORT = 993


def _bind(address: str) -> str:
    host, mark, port = address.rpartition(":")
    if not (host and mark and port.isdecimal() and int(port) <= HIGHEST_PORT):
        msg = "not an address of the form host:port"
        raise ValueError(msg)
    return address


def empty_as_none(value: Any) -> Any:
    """Takes an empty variable for nothing: an environment cannot say None."""
    return None if value == "" else value


Bind = Annotated[str, AfterValidator(_bind)]
RoleName = Literal["viewer", "operator", "manager", "administrator"]
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

    host: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
        None, description="the name or address of the server that receives replies, or nothing"
    )
    port: Port = Field(
        993, description="a port from 1 to 65535; 993 is usual with implicit, 143 with starttls"
    )
    username: str | None = Field(None, description="the account's name, or nothing")
    password: SecretStr | None = Field(None, description="the account's password, or nothing")
    tls: Tls = Field(Tls.IMPLICIT, description="one of none, starttls, implicit")
    folder: str = Field("INBOX", min_length=1, description="the folder in which replies and bounces arrive")
    archive: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
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


def _public(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    local = parts.hostname is not None and _is_local(parts.hostname)
    if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        msg = "not the address of a server"
        raise ValueError(msg)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        msg = "what people reach from outside must be protected by https"
        raise ValueError(msg)
    return url.rstrip("/")


def _web(url: str | None) -> str | None:
    if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        msg = "not the address of a page"
        raise ValueError(msg)
    return url.rstrip("/") if url is not None else None


class Console(Section):
    """Says where the console listens and how people see it from outside.

    `public_url` is what links in messages begin with; without it no message carries a link. `temporal_ui`
    is where operators see the runs; without it no page links to them.
    """

    bind: Bind = Field("127.0.0.1:8000", description="host:port such as 127.0.0.1:8000")
    public_url: Annotated[str | None, BeforeValidator(empty_as_none), AfterValidator(_public)] = Field(
        None, description="https:// and the name under which people reach the console, or nothing"
    )
    temporal_ui: Annotated[str | None, BeforeValidator(empty_as_none), AfterValidator(_web)] = Field(
        None, description="the address of Temporal's Web UI, such as http://127.0.0.1:8233, or nothing"
    )
    session_hours: int = Field(12, ge=1, le=720, description="hours from 1 to 720")

    @property
    def secure(self) -> bool:
        """Says whether people come by https, so that cookies may be kept to it."""
        return self.public_url is not None and self.public_url.startswith("https://")


class Oidc(Section):
    """Says with which identity provider people may sign in, beside their password; none without an issuer.

    People are known by their e-mail address. `role_claim` names the claim of the provider that holds one of
    our roles, or a list with some of them; a dot leads into a claim. Where it is set it decides, at every
    sign-in. Whoever is not known is let in only with `default_role`, and then sees every creditor.
    """

    issuer: Annotated[str | None, BeforeValidator(empty_as_none), AfterValidator(_public)] = Field(
        None, description="https:// and the provider's name, as its metadata states it, or nothing"
    )
    client_id: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
        None, description="the name under which the provider knows the console, or nothing"
    )
    client_secret: SecretStr | None = Field(
        None, description="the secret that goes with client_id, or nothing for a public client"
    )
    title: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
        None, max_length=60, description="what the button calls the provider, or nothing"
    )
    role_claim: Annotated[str | None, BeforeValidator(empty_as_none)] = Field(
        None, description="a claim such as roles or realm_access.roles, or nothing"
    )
    default_role: Annotated[RoleName | None, BeforeValidator(empty_as_none)] = Field(
        None, description="one of viewer, operator, manager, administrator, or nothing"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.issuer is None) != (self.client_id is None):
            msg = "issuer and client_id go together: set both, or none"
            raise ValueError(msg)
        return self


class Webhooks(Section):
    """Says where news may be sent.

    An endpoint is on the internet and protected by https, unless `private` allows one's own network.
    """

    private: bool = Field(
        default=False, description="true to allow endpoints in one's own network and without TLS"
    )
