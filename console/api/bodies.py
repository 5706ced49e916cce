"""Bodies of requests, read with limits and strictly.

In: bytes up to a size within a time, JSON without surprises, a model of it.
Not in: what the models are (commands.py, hooks.py), events (events.py).
"""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from console.api.problems import Refusal, problem, wrong
from domain.faults import InputRefused
from intake.readers.rows import explained_each
from intake.readers.strict_json import decode, flaw_in

LARGEST_BODY = 10 * 1024 * 1024
"""The most bytes of any body."""

READ_SECONDS = 30.0
"""How long a body may take to come in."""

THREADED = 256 * 1024
"""Bodies beyond so many bytes are read in a thread, so that nobody else waits for it."""

Model = TypeVar("Model", bound=BaseModel)


async def bytes_of(request: Request) -> bytes:
    """Reads the body; raises Refusal for one that is too large, too slow or encoded."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        detail = f"send the body as it is, without Content-Encoding {encoding[:20]}"
        raise Refusal(problem("media-type", 415, detail))
    stated = request.headers.get("content-length", "0")
    if not (stated.isascii() and stated.isdecimal()) or len(stated) > len(str(LARGEST_BODY)):
        raise too_large()
    if int(stated) > LARGEST_BODY:
        raise too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > LARGEST_BODY:
                    raise too_large()
    except TimeoutError:
        raise Refusal(problem("slow", 408, f"the body must come within {READ_SECONDS:.0f} s")) from None
    except ClientDisconnect:
        raise Refusal(problem("slow", 408, "the connection ended before the body did")) from None
    return b"".join(parts)


def too_large() -> Refusal:
    """Says how large a body may be."""
    detail = f"at most {LARGEST_BODY // (1024 * 1024)} MB ({LARGEST_BODY} bytes); send several"
    return Refusal(problem("too-large", 413, detail))


def media_type(request: Request) -> str:
    """Names the media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_of(request: Request, model: type[Model]) -> Model:
    """Reads a body as a model; an empty one is an empty object.

    Raises Refusal with every field that is wrong, InputRefused for what is not plain JSON.
    """
    if media_type(request) not in {"application/json", ""}:
        raise Refusal(problem("media-type", 415, "send application/json"), {"Accept": "application/json"})
    body = await bytes_of(request)
    value = decode(body) if body.strip() else {}
    flaw = flaw_in(value)
    if flaw is not None:
        raise flaw
    if not isinstance(value, dict):
        raise InputRefused("", value, "write an object, { ... }")
    return modelled(model, value)


def modelled(model: type[Model], value: Mapping[str, Any]) -> Model:
    """Makes a model of what JSON says; raises Refusal with every field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as fault:
        errors = [wrong(one.field, one.value, one.remedy) for one in explained_each(fault, model)]
    raise Refusal(problem("refused", 422, errors[0].detail, errors))
