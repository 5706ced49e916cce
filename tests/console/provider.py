"""A small identity provider on 127.0.0.1: what a real one answers, and what a false one would.

In: metadata, keys, the token's address; codes are handed out by the test itself.
Not in: the page on which people show who they are.
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "relance", "between-us"


class LocalProvider:
    """Vouches for whom the test names; `lie` changes the claims that it signs."""

    def __init__(self) -> None:
        """Makes its key."""
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signing: Any = self.key
        self.algorithm = "RS256"
        self.issuer = ""
        self.asked: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self._metadata)
        self.app.get("/keys")(self._keys)
        self.app.post("/token")(self._token)

    def grant(self, address: str, **claims: Any) -> dict[str, str]:
        """Shows the person in who was sent to an address; gives what comes back with them."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        self.claims = claims
        return {"code": code, "state": asked["state"]}

    async def _metadata(self) -> Any:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/ask",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    async def _keys(self) -> Any:
        return {"keys": [self.key.as_dict(private=False)]}

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.asked.pop(str(form.get("code")), None)
        said = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or said != f"{CLIENT}:{SECRET}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 60}
        claims |= {"nonce": asked["nonce"]} | self.claims
        token = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.signing)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})


@asynccontextmanager
async def local_provider(port: int) -> AsyncIterator[LocalProvider]:
    """Runs the provider on a port of 127.0.0.1."""
    found = LocalProvider()
    found.issuer = f"http://127.0.0.1:{port}"
    config = uvicorn.Config(found.app, host="127.0.0.1", port=port, log_config=None)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # the tests keep theirs
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server tells no event
        await asyncio.sleep(0.02)
    try:
        yield found
    finally:
        server.should_exit = True
        await serving
