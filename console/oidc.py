"""Signing in by an identity provider: OpenID Connect, the code flow with PKCE, state and nonce.

In: what is sent to the provider, what is believed of its answer, which person that is.
Not in: addresses and cookies (pages/provider.py), sessions (people.py).

Nothing of the provider's answer is believed before its token's signature, issuer, audience, time and nonce
have been checked. Who has no account here is let in only where a setting says so.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core.claims import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, ValidationError

from config.sections import Oidc
from domain.fact import Fact
from domain.faults import NotAllowed, Unavailable
from ledger import people
from ledger.database import Database
from ledger.people import Person, Role

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key pair alone: a secret that both sides know would let either forge."""

PATIENCE_SECONDS = 10.0
LEEWAY_SECONDS = 120
AUTHOR = "identity provider"

FORGED = "the sign-in did not begin here, or took too long: begin again"
NOT_BELIEVED = (
    "what the identity provider answered cannot be believed: begin again, or tell its administrator"
)


class Pending(Fact):
    """Remembers a sign-in that has been sent to the provider: its secrets, and where it leads."""

    state: str
    nonce: str
    verifier: str
    then: str = "/"

    @classmethod
    def begin(cls, then: str) -> "Pending":
        """Makes one up."""
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        return cls(state=state, nonce=nonce, verifier=secrets.token_urlsafe(48), then=then)


class Metadata(BaseModel):
    """States what the provider says of itself (OpenID Connect Discovery 1.0)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Provider:
    """Speaks with one provider; its metadata is read once."""

    def __init__(self, settings: Oidc, back: str) -> None:
        """Takes the settings, and the address to which the provider sends people back."""
        self._settings = settings
        self._back = back
        self._metadata: Metadata | None = None

    def _client(self) -> AsyncOAuth2Client:
        secret = self._settings.client_secret
        return AsyncOAuth2Client(
            self._settings.client_id,
            secret.get_secret_value() if secret is not None else None,
            token_endpoint_auth_method="client_secret_basic" if secret is not None else "none",
            scope="openid email profile",
            redirect_uri=self._back,
            code_challenge_method="S256",
            timeout=PATIENCE_SECONDS,
        )

    async def _known(self, client: AsyncOAuth2Client) -> Metadata:
        if self._metadata is None:
            issuer = str(self._settings.issuer)
            answer = await _read(client, f"{issuer}/.well-known/openid-configuration")
            try:
                said = Metadata.model_validate(answer)
            except ValidationError as fault:
                why = "its metadata cannot be read"
                raise _away(why) from fault
            if said.issuer.rstrip("/") != issuer:
                why = f"it calls itself {said.issuer}: set RELANCE_OIDC__ISSUER to that"
                raise _away(why)
            self._metadata = said
        return self._metadata

    async def ask(self, pending: Pending) -> str:
        """Gives the address at which the provider asks who it is; raises Unavailable."""
        async with self._client() as client:
            known = await self._known(client)
            address, _ = client.create_authorization_url(
                known.authorization_endpoint,
                state=pending.state,
                code_verifier=pending.verifier,
                nonce=pending.nonce,
            )
            return str(address)

    async def answered(self, pending: Pending | None, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """Gives the claims of the person whom the provider vouches for.

        Raises NotAllowed for an answer that was not asked for or cannot be believed, Unavailable.
        """
        if pending is None or not hmac.compare_digest(
            answer.get("state", "").encode(), pending.state.encode()
        ):
            raise NotAllowed(FORGED)
        if "error" in answer or not answer.get("code"):
            msg = "the identity provider let nobody in"
            raise NotAllowed(msg)
        async with self._client() as client:
            known = await self._known(client)
            if answer.get("iss", known.issuer) != known.issuer:
                raise NotAllowed(NOT_BELIEVED)
            try:
                token = await client.fetch_token(
                    known.token_endpoint, code=answer["code"], code_verifier=pending.verifier
                )
            except OAuthError as fault:
                raise NotAllowed(NOT_BELIEVED) from fault
            except httpx2.HTTPError as fault:
                raise _away(type(fault).__name__) from fault
            return self._believed(token, await _read(client, known.jwks_uri), pending, known)

    def _believed(
        self, token: Mapping[str, Any], keys: Any, pending: Pending, known: Metadata
    ) -> Mapping[str, Any]:
        """Checks the token that says who it is; raises NotAllowed."""
        try:
            registry = JWSRegistry(algorithms=list(SIGNED_BY), strict_check_header=False)
            read = jwt.decode(str(token["id_token"]), KeySet.import_key_set(keys), registry=registry)
            claims = CodeIDToken(
                read.claims,
                read.header,
                {"iss": {"values": [known.issuer]}, "aud": {"essential": True}},
                {"nonce": pending.nonce, "client_id": self._settings.client_id},
            )
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, KeyError, ValueError) as fault:
            raise NotAllowed(NOT_BELIEVED) from fault
        audience = claims["aud"]
        if self._settings.client_id not in ([audience] if isinstance(audience, str) else audience):
            raise NotAllowed(NOT_BELIEVED)
        return dict(claims)


async def _read(client: AsyncOAuth2Client, address: str) -> Any:
    try:
        answer = await client.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        return answer.json()
    except (httpx2.HTTPError, ValueError) as fault:
        raise _away(type(fault).__name__) from fault


def _away(why: str) -> Unavailable:
    return Unavailable(f"the identity provider cannot be asked ({why}); use a password, or try again")


async def person(database: Database, settings: Oidc, claims: Mapping[str, Any], now: datetime) -> Person:
    """Finds the person of an e-mail address that the provider vouches for, their role as it says.

    Raises NotAllowed for an address that is not verified, not known or disabled, or without a role.
    """
    name = claims.get("email")
    if not isinstance(name, str) or claims.get("email_verified", True) not in {True, "true"}:
        msg = "the identity provider vouches for no e-mail address of yours"
        raise NotAllowed(msg)
    role = _role(settings, claims)
    async with database.writing() as conn:
        known = next((one for one in await people.everybody(conn) if one.id == name.lower()), None)
        if known is None:
            who = _newcomer(name, claims, role, settings)
            await people.save(conn, who, now)
            await people.note(conn, who, "added", AUTHOR, now)
            return who
        if known.disabled_at is not None:
            raise NotAllowed(NOBODY)
        if role is None or role is known.role:
            return known
        changed = known.model_copy(update={"role": role})
        await people.save(conn, changed, now)
        await people.note(conn, changed, "changed", AUTHOR, now)
        return changed


NOBODY = "nobody signs in here with your address: ask an administrator"


def _newcomer(name: str, claims: Mapping[str, Any], role: Role | None, settings: Oidc) -> Person:
    if settings.default_role is None:
        raise NotAllowed(NOBODY)
    called = str(claims.get("name") or name.partition("@")[0])[:140]
    given = role or Role[settings.default_role.upper()]
    try:
        return Person(id=name.lower(), name=called, role=given)
    except ValidationError as fault:
        raise NotAllowed(NOBODY) from fault


def _role(settings: Oidc, claims: Mapping[str, Any]) -> Role | None:
    """Gives the highest role that the provider states; None where roles are not its business."""
    if settings.role_claim is None:
        return None
    found: Any = claims
    for part in settings.role_claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    stated = {found} if isinstance(found, str) else {one for one in found or () if isinstance(one, str)}
    roles = [role for role in Role if role.key in stated]
    if roles:
        return max(roles)
    if settings.default_role is None:
        msg = "the identity provider gives you no role here: ask its administrator"
        raise NotAllowed(msg)
    return Role[settings.default_role.upper()]
