"""The state of things: what can be reached, what waits, the last audit, where backups are explained.

In: one look, which changes nothing. Not in: mending (troubles.py, refused.py).
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.engine import make_url

from audit.keeping import last_kept
from console.office import Office, wall_clock
from console.screen import page
from console.seats import Manager
from domain.faults import ConfigurationFault, Unavailable
from intake import reaching
from intake.reaching import POLLED_WITHIN
from ledger import queries, switches

router = APIRouter()

PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Reach:
    """Says whether something answers, and what is known of it or wrong with it."""

    well: bool
    word: str
    at: datetime | None = None


@router.get("")
async def state(seat: Manager, request: Request) -> Response:
    """Shows how the installation stands."""
    office = seat.office
    async with office.database.reading() as conn:
        counts, stops = await queries.counts(conn), await switches.stopped(conn)
    version = await office.database.version()
    (temporal, worker), mail = await asyncio.gather(_runs(office), _mail(office))
    return page(
        seat,
        request,
        "settings/state.html",
        counts=counts,
        stops=[one for one in stops if one.creditor is None or seat.sees(one.creditor)],
        reach={
            "database": Reach(well=True, word=f"{office.database.dialect}, {version}"),
            "temporal": temporal,
            "worker": worker,
            "mail": mail,
        },
        size=await asyncio.to_thread(_size, office.settings.database_url),
        report=await asyncio.to_thread(last_kept, office.settings.folders.audits),
    )


async def _runs(office: Office) -> tuple[Reach, Reach]:
    """Looks at Temporal, and at the worker by when it last asked Temporal for work."""
    try:
        client = await office.temporal()
        polled = await reaching.worker(client, office.settings.task_queue, PATIENCE_SECONDS)
    except (Unavailable, ConfigurationFault) as fault:
        return Reach(well=False, word=str(fault)), Reach(well=False, word="")
    address = client.service_client.config.target_host
    asks = polled is not None and wall_clock() - polled < POLLED_WITHIN  # Temporal lives by that clock
    return Reach(well=True, word=address), Reach(asks, office.settings.task_queue, polled)


async def _mail(office: Office) -> Reach:
    smtp = office.settings.smtp
    fault = await reaching.mail(smtp, PATIENCE_SECONDS)
    return Reach(well=fault is None, word=fault or f"{smtp.host}:{smtp.port}")


def _size(url: str) -> int | None:
    """Tells the bytes of a SQLite file; None for a server."""
    place = make_url(url)
    if place.get_backend_name() != "sqlite" or place.database is None:
        return None
    return Path(place.database).stat().st_size
