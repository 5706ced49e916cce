"""Who calls the API: the holder of a key, or a sender who signs.

In: keys in `Authorization: Bearer`, signatures by Standard Webhooks, what each may do.
Not in: making keys and senders (ledger/access.py), people at the console (console/seats.py).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from standardwebhooks import Webhook, WebhookVerificationError

from console.api.desk import Desk, TheDesk
from console.api.problems import Refusal, problem
from domain.faults import NotFound
from intake.receiving import Mail
from ledger import access
from ledger.access import Right

SIGNATURE = "webhook-signature"
SIGNED = ("webhook-id", "webhook-timestamp", SIGNATURE)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="relance"'}
LONGEST_TOKEN = 200


@dataclass(frozen=True)
class Caller:
    """Holds who calls: the name that its ids are its own under, its author in the journal, its rights."""

    name: str
    author: str
    rights: frozenset[Right]
    creditors: frozenset[str] | None

    def sees(self, creditor: str) -> bool:
        """Tells whether the caller may know anything of a creditor."""
        return self.creditors is None or creditor in self.creditors

    def check(self, creditor: str) -> None:
        """Raises NotFound for a creditor that the caller may not know of: it is as if there were none."""
        if not self.sees(creditor):
            msg = f"no creditor {creditor!r}"
            raise NotFound(msg)

    def need(self, right: Right) -> None:
        """Raises Refusal where the caller has not that right."""
        if right not in self.rights:
            detail = f"these credentials are not good for {right.value!r}; ask for a key that is"
            raise Refusal(problem("forbidden", 403, detail))

    @property
    def mail(self) -> Mail:
        """Says who hands an event in."""
        return Mail(self.name, self.author, self.creditors, registers=Right.CREDITORS in self.rights)


async def holder(request: Request, desk: Desk) -> Caller:
    """Finds whose key a request carries; raises Refusal for none and for a wrong one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        detail = "send a key: Authorization: Bearer relance_..."
        raise Refusal(problem("no-credentials", 401, detail), CHALLENGE)
    found = None
    if len(token) <= LONGEST_TOKEN:
        async with desk.office.database.reading() as conn:
            found = await access.key_of(conn, token.strip())
    if found is None:
        detail = "no such key, or it has been ended; ask for another"
        raise Refusal(problem("wrong-key", 401, detail), CHALLENGE)
    creditors = None if found.creditors is None else frozenset(found.creditors)
    return Caller(f"key:{found.id}", f"api:{found.name}", frozenset(found.rights), creditors)


def is_signed(request: Request) -> bool:
    """Tells whether a request brings a signature."""
    return SIGNATURE in request.headers


async def signer(request: Request, desk: Desk, body: bytes) -> Caller:
    """Finds who signed a body; `?sender=` names it. Raises Refusal for a signature that is not right."""
    name = request.query_params.get("sender", "")
    async with desk.office.database.reading() as conn:
        found = await access.sender_of(conn, name) if name else None
    if found is None:
        detail = "name the sender who signs in the address: /v1/events?sender=NAME"
        raise Refusal(problem("signature", 401, detail))
    sender, secrets = found
    headers = {one: request.headers.get(one, "") for one in SIGNED}
    faults = [_fault(secret, headers, body) for secret in secrets]
    if None not in faults:
        kind = "timestamp" if "timestamp" in faults else "signature"
        details = {
            "timestamp": "sign when you send, with a clock that is right within 5 minutes",
            "signature": "it fits neither the body nor the secret; sign the body byte for byte",
        }
        raise Refusal(problem(kind, 401, details[kind]))
    creditors = None if sender.creditors is None else frozenset(sender.creditors)
    return Caller(f"sender:{sender.id}", f"sender:{sender.id}", frozenset({Right.EVENTS}), creditors)


def _fault(secret: str, headers: dict[str, str], body: bytes) -> str | None:
    """Names what is wrong with a signature; None where it is right."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError as fault:
        return "timestamp" if "timestamp" in str(fault) else "signature"
    except ValueError:  # what is no base64, no text, no list of signatures
        return "signature"
    return None


def _good_for(right: Right) -> Callable[[Request, Desk], Awaitable[Caller]]:
    async def asked(request: Request, desk: TheDesk) -> Caller:
        caller = await holder(request, desk)
        caller.need(right)
        return caller

    return asked


Reader = Annotated[Caller, Depends(_good_for(Right.READ))]
Writer = Annotated[Caller, Depends(_good_for(Right.WRITE))]
Approver = Annotated[Caller, Depends(_good_for(Right.APPROVE))]
Announcer = Annotated[Caller, Depends(_good_for(Right.WEBHOOKS))]
