"""A process that takes bank files in, with weather inside and a death at every point.

In: the files of an inbox taken in one after another as `starter.py import` does, each as of its own instant.
Not in: who starts and kills it (nursery.py, injector.py), and the files (branch.py).

A file is named after the instant on its account's clock. What was said of it is written beside the inbox
before it is removed: killed before, the next process takes the same file again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import intake.statements
import ledger.bank
from config import logs
from config.catalogue import load_policies
from config.settings import LogFormat
from domain.faults import Unavailable
from intake.door import Door
from intake.loading import load
from tests.torture.child import Orders, opened
from tests.torture.points import Point, Reaper
from tests.torture.weather import Weather

EVERY = 0.1

INBOX, ANSWERS = "inbox", "answers"
"""The folders of files that are to be taken in, and of what is said of them."""

TOLD = ("known_to", "entries", "known", "booked", "on_account", "same", "asked", "returned", "notes")
"""What is said of a statement."""


async def serve(orders: Orders) -> None:
    """Takes files in until it is killed."""
    lots = Random(orders.lots)  # noqa: S311 - repeatable on purpose
    folder = Path(orders.folder)
    logs.configure(LogFormat.JSON, "error")
    _infest(Reaper(lots, orders.odds, folder / "deaths"))
    given = orders.settings
    async with await opened(given.database_url) as database:
        Weather(folder / "weather").befall(database)
        door = Door(database, load_policies(given.folders.policies))
        while True:
            for path in sorted((folder / "bank" / INBOX).glob("*.xml")):
                await _take(door, path, folder / "bank" / ANSWERS)
            await asyncio.sleep(EVERY)


async def _take(door: Door, path: Path, answers: Path) -> None:
    name, _, instant = path.stem.partition("~")
    now = datetime.strptime(instant, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    try:
        report = await load(door, path, now=now)
    except Unavailable:
        return
    said = {
        "refused": [f"{row.field} = {row.value}: {row.remedy}" for row in report.refused],
        "told": [
            one.model_dump(mode="json", include={*TOLD}, exclude_defaults=True) for one in report.statements
        ],
    }
    await asyncio.to_thread(_answer, answers / f"{name}.json", json.dumps(said), path)


def _answer(answer: Path, said: str, path: Path) -> None:
    """Lays an answer down whole, before the file goes that it is about."""
    draft = answer.with_suffix(".part")
    draft.write_text(said, "utf-8")
    draft.replace(answer)
    path.unlink(missing_ok=True)


def _infest(reaper: Reaper) -> None:
    """Puts the points into the rooms of this process, which is not to be used for anything else."""
    for place, name, point in (
        (ledger.bank, "keep", Point.KEEPING),
        (intake.statements, "match_waiting", Point.MATCHING),
        (ledger.bank, "resolve", Point.BOOKING),
        (intake.statements, "take_days", Point.DAYS),
    ):
        patch.object(place, name, _fatal(reaper, point, getattr(place, name))).start()


def _fatal(
    reaper: Reaper, point: Point, work: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def fatal(*given: Any, **named: Any) -> Any:
        if point in {Point.MATCHING, Point.DAYS}:
            reaper.reached(point)
        done = await work(*given, **named)
        if point in {Point.KEEPING, Point.BOOKING}:
            reaper.reached(point)
        return done

    return fatal
