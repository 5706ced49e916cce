"""The door for events: one CloudEvent or a batch in, what became of each out.

In: the three ways in which CloudEvents travel by HTTP, the answers, where a large batch stands.
Not in: reading and taking in (intake/), who may send (caller.py).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from console.api import caller as callers
from console.api.bodies import THREADED, bytes_of, media_type
from console.api.caller import Caller
from console.api.description import EVENT_BODY, EVENT_PARAMETERS, problems
from console.api.desk import Desk, TheDesk
from console.api.problems import Problem, Refusal, answer, problem, wrong
from domain.fact import Fact, Instant
from domain.faults import NotFound
from intake import batches
from intake.readers.cloudevents import Read, read_batch, read_event, read_headers
from intake.receiving import Answer, Fate, receive
from intake.warnings import Warned
from ledger import received
from ledger.access import Right
from ledger.received import Batch

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BINARY = "application/json"
AT_ONCE = 100
"""The largest batch that is answered at once."""

STATUS_OF = {Fate.REFUSED: 422, Fate.CONFLICT: 409, Fate.UNREAD: 422, Fate.FORBIDDEN: 403}
KIND_OF = {
    Fate.REFUSED: "refused",
    Fate.CONFLICT: "conflict",
    Fate.UNREAD: "unread",
    Fate.FORBIDDEN: "forbidden",
}

router = APIRouter(tags=["events"])


class Taken(Fact):
    """Says what became of one event; `problem` why it was refused."""

    id: str | None
    source: str | None
    status: Fate
    what: str
    creditor: str | None = None
    invoices: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    problem: Problem | None = None


class Results(Fact):
    """Says what became of each event of a batch, in its order."""

    results: tuple[Taken, ...]
    counts: dict[str, int]


class BatchState(StrEnum):
    """Names how far a batch is."""

    WORKING = "working"
    FINISHED = "finished"


class BatchStatus(Fact):
    """States how far a batch is; `pending` among the counts are events that are not answered yet."""

    id: str
    status: BatchState
    total: int
    counts: dict[str, int]
    received_at: Instant
    finished_at: Instant | None
    href: str


class BatchPage(BatchStatus):
    """States how far a batch is, with the answers of a page; `next` is where the next page begins."""

    results: tuple[Taken, ...]
    next: int | None = None


@router.post(
    "/events",
    summary="Hand in one event or a batch",
    response_model=Taken | Results,
    responses=problems(400, 401, 403, 408, 409, 413, 415, 422, 503)
    | {202: {"model": BatchStatus, "description": "A large batch is kept and worked off"}},
    openapi_extra={"requestBody": EVENT_BODY, "parameters": EVENT_PARAMETERS},
)
async def take_events(request: Request, desk: TheDesk) -> Response:
    """Takes events in, each once by its source and id, and says what became of each.

    Up to 100 events are answered at once; a larger batch is kept, answered with 202, and worked off.
    """
    now = desk.office.clock()
    kind = _kind(request)
    signed = callers.is_signed(request)
    caller = None if signed else await callers.holder(request, desk)
    body = await bytes_of(request)
    if caller is None:
        caller = await callers.signer(request, desk, body)
    caller.need(Right.EVENTS)
    request.state.caller = caller.name
    if kind != BATCHED:
        read = read_event(body) if kind == STRUCTURED else read_headers(request.headers, body)
        return await _one(desk, read, caller, now)
    reads = await asyncio.to_thread(read_batch, body) if len(body) > THREADED else read_batch(body)
    if len(reads) > AT_ONCE:
        batch = await batches.keep(desk.office.door, reads, caller.mail, body, now)
        status = await _status(desk, batch, request)
        return JSONResponse(status.model_dump(mode="json"), 202, {"Location": status.href})
    return await _several(desk, reads, caller, now)


def _kind(request: Request) -> str:
    found = media_type(request)
    if found in {STRUCTURED, BATCHED} or (found == BINARY and "ce-specversion" in request.headers):
        return found
    accepted = f"{STRUCTURED}, {BATCHED}, {BINARY}"
    detail = f"send {STRUCTURED}, {BATCHED}, or {BINARY} with the attributes in ce- headers"
    raise Refusal(problem("media-type", 415, detail), {"Accept-Post": accepted})


async def _one(desk: Desk, read: Read, caller: Caller, now: datetime) -> Response:
    said = await receive(desk.office.door, read, caller.mail, now)
    desk.tally.count(said, caller.name)
    if said.is_refused:
        return answer(_problem(said))
    desk.tell_runs()
    return JSONResponse(_taken(said).model_dump(mode="json"))


async def _several(desk: Desk, reads: Sequence[Read], caller: Caller, now: datetime) -> Response:
    said = [await receive(desk.office.door, read, caller.mail, now) for read in reads]
    for one in said:
        desk.tally.count(one, caller.name)
    desk.tell_runs()
    counts: dict[str, int] = {}
    for one in said:
        counts[one.status.value] = counts.get(one.status.value, 0) + 1
    results = Results(results=tuple(_taken(one) for one in said), counts=counts)
    return JSONResponse(results.model_dump(mode="json"))


def _taken(said: Answer) -> Taken:
    facts = said.model_dump(exclude={"wrong", "kept"})
    return Taken.model_validate(facts | {"problem": _problem(said) if said.is_refused else None})


def _problem(said: Answer) -> Problem:
    """Says why an event was refused."""
    status, kind = STATUS_OF[said.status], KIND_OF[said.status]
    if said.wrong is None:
        return problem(kind, status, said.what, id=said.id, source=said.source, kept=said.kept)
    if said.status is Fate.UNREAD and said.wrong.field == "json":
        status, kind = 400, "malformed"
    one = wrong(said.wrong.field, said.wrong.value, said.wrong.remedy)
    more = {"id": said.id, "source": said.source, "kept": said.kept}
    return problem(kind, status, one.detail, [one], **more)


@router.get(
    "/batches/{batch}",
    summary="See how far a large batch is",
    responses=problems(401, 403, 404, 422, 503),
)
async def see_batch(
    request: Request,
    batch: str,
    desk: TheDesk,
    begin: Annotated[int, Query(ge=0, le=1_000_000, description="The position of the first answer")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many answers at most")] = 100,
) -> BatchPage:
    """Says how far a batch is, and what became of its events; only who sent it sees it."""
    caller = await callers.holder(request, desk)
    async with desk.office.database.reading() as conn:
        found = await received.find_batch(conn, batch)
        if not _sees(caller, found):
            msg = f"no batch {batch!r}"
            raise NotFound(msg)
        items = await received.items(conn, found, begin=begin, limit=limit)
    status = await _status(desk, found, request)
    following = begin + limit if begin + limit < found.total else None
    results = tuple(_taken(one) for one in map(batches.answer_of, items) if one is not None)
    return BatchPage(**status.model_dump(), results=results, next=following)


def _sees(caller: Caller, batch: Batch) -> bool:
    """A batch is seen by who sent it, and by keys that may read what all creditors are owed."""
    return caller.name == batch.sender or (Right.READ in caller.rights and caller.creditors is None)


async def _status(desk: Desk, batch: Batch, request: Request) -> BatchStatus:
    async with desk.office.database.reading() as conn:
        counts = await received.progress(conn, batch)
    return BatchStatus(
        id=batch.id,
        status=BatchState.WORKING if batch.finished_at is None else BatchState.FINISHED,
        total=batch.total,
        counts=counts,
        received_at=batch.received_at,
        finished_at=batch.finished_at,
        href=f"{request.scope.get('root_path', '')}/batches/{batch.id}",
    )
