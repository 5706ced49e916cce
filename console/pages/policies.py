"""Policies: each as a calendar one understands, a due date tried on it, two of them side by side.

In: what the files say now, what is on record, faults of files shown where they are.
Not in: the texts (texts.py), moving cases (migrating.py). Policies are files: nothing here changes one.
"""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError

from config.catalogue import PolicyFile, read_policies
from console import ladder
from console.forms import Form, TypedAmount, sentence_of
from console.pages.today import local_day
from console.screen import page
from console.seats import Seat, Viewer
from correspondence.formats import country_name
from correspondence.wording import Wording
from domain.calendars import COUNTRY_ZONES, Agenda
from domain.contrast import pairs, rules_differing
from domain.explanation import explain
from domain.fact import Country, Currency, Language
from domain.faults import ConfigurationFault, NotFound
from domain.policy import DunningPolicy
from domain.schedule import PlannedStep
from domain.trying import USUAL_TERM, parties, sample_calendar
from intake.telling import words
from ledger.views import policies as view
from ledger.views.policies import Version

router = APIRouter()


class Offered(NamedTuple):
    """Holds a policy as its file stands, what is on record of it, and what keeps it from being used.

    `newer` says that the file has changed since the console was started.
    """

    file: PolicyFile
    policy: DunningPolicy | None
    fault: str | None
    versions: tuple[Version, ...]
    newer: bool

    @property
    def cases(self) -> int:
        """Counts the open cases that run on it, whatever the version."""
        return sum(one.cases for one in self.versions)


def _read(policies: Path, wording: Path) -> list[tuple[PolicyFile, str | None]]:
    """Reads the folder of policies, and says what is wrong with each file or with its words."""
    try:
        texts, missing = Wording.unproven(wording), None
    except ConfigurationFault as fault:
        texts, missing = None, str(fault)
    found = []
    for file in read_policies(policies):
        wrong = file.fault or missing
        if file.policy is not None and texts is not None:
            try:
                texts.check(file.policy)
            except ConfigurationFault as fault:
                wrong = str(fault)
        found.append((file, wrong))
    return found


async def offered(seat: Seat) -> list[Offered]:
    """Lists the policies of the folder with what is on record of each."""
    folders = seat.office.settings.folders
    read = await asyncio.to_thread(_read, folders.policies, folders.wording)
    async with seat.office.database.reading() as conn:
        known = await view.versions(conn, seat.creditors)
    return [
        Offered(
            file,
            file.policy,
            wrong,
            tuple(one for one in known if one.policy == file.file.stem),
            file.policy is not None and seat.office.catalogue.get(file.policy.id) != file.policy,
        )
        for file, wrong in read
    ]


async def chosen(seat: Seat, name: str) -> DunningPolicy:
    """Finds a policy as its file stands, or a version on record; raises NotFound, ConfigurationFault."""
    if "@" in name:
        async with seat.office.database.reading() as conn:
            return await seat.office.shelf.get(conn, name)
    found = next((one for one in await offered(seat) if one.file.file.stem == name), None)
    if found is None:
        msg = f"no policy {name!r}"
        raise NotFound(msg)
    if found.policy is None:
        raise ConfigurationFault(found.fault or "")
    return found.policy


@router.get("/policies")
async def listed(request: Request, seat: Viewer) -> Response:
    """Lists the policies with their cases, and the files that cannot be used with what is wrong."""
    found = await offered(seat)
    async with seat.office.database.reading() as conn:
        known = await view.versions(conn, seat.creditors)
    named = {one.file.file.stem for one in found}
    return page(
        seat,
        request,
        "policies/list.html",
        offered=found,
        orphans=[one for one in known if one.policy not in named and one.cases],
        lines={one.policy.id: ladder.line(one.policy) for one in found if one.policy is not None},
        folder=seat.office.settings.folders.policies,
    )


# Trying one


class Try(Form):
    """States an invoice to try a policy on."""

    due: date
    issued: date | None = None
    country: Country = "FR"
    postcode: str | None = Field(default=None, max_length=12)
    amount: TypedAmount | None = None
    currency: Currency = "EUR"
    language: Language = "fr"


class Tried(NamedTuple):
    """Holds the calendar of an invoice that a policy was tried on; `least` is what it must come to."""

    asked: Try
    lines: tuple[PlannedStep, ...]
    months: list[ladder.Month]
    least: Decimal | None
    clock: dict[str, str]
    why: dict[str, str]


def tried(policy: DunningPolicy, asked: Try, language: str) -> Tried:
    """Tries a policy on an invoice, by the rule of the live run."""
    issued = asked.issued if asked.issued is not None else asked.due - USUAL_TERM
    lines = sample_calendar(
        policy,
        asked.due,
        issued=issued,
        country=asked.country,
        postcode=asked.postcode,
        amount=asked.amount,
        currency=asked.currency,
    )
    agenda = Agenda.of(*parties(asked.country, asked.postcode))
    least = policy.minimum_for(asked.currency)
    below = least if least is not None and asked.amount is not None and asked.amount < least else None
    clock = {one.step: f"{one.at.astimezone(agenda.creditor_zone):%H:%M}" for one in lines}
    why = {one.step: explain(one.because, language) for one in lines}
    return Tried(asked, lines, ladder.months(lines, asked.due, agenda), below, clock, why)


def _asked(request: Request, policy: DunningPolicy, today: date) -> tuple[Try | None, dict[str, str]]:
    """Reads what a policy is to be tried on; gives what is wrong, field by field."""
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    plain = {"due": (today + USUAL_TERM).isoformat(), "language": policy.languages[0]}
    try:
        asked = Try.model_validate(plain | given)
    except ValidationError as fault:
        return None, {str(one["loc"][0]): sentence_of(one) for one in fault.errors()}
    if asked.issued is not None and asked.issued > asked.due:
        return None, {"issued": "it lies after the due date; give an earlier day"}
    return asked, {}


def _countries(language: str) -> list[tuple[str, str]]:
    return sorted(((code, country_name(code, language)) for code in COUNTRY_ZONES), key=lambda one: one[1])


@router.get("/policies/compare")
async def compare(request: Request, seat: Viewer, a: str = "", b: str = "", due: str = "") -> Response:
    """Shows two policies side by side, what differs said in words."""
    found = [one for one in await offered(seat) if one.policy is not None]
    if not found:
        msg = "no policy can be read: see the list"
        raise NotFound(msg)
    first = a or found[0].file.file.stem
    left, right = await chosen(seat, first), await chosen(seat, b or found[-1].file.file.stem)
    day, wrong = _day(due, local_day(seat).date())
    options = [(one.file.file.stem, one.file.file.stem) for one in found]
    options += [(each.version, each.version) for one in found for each in one.versions]
    dates = {side.version: {line.step: line for line in sample_calendar(side, day)} for side in (left, right)}
    return page(
        seat,
        request,
        "policies/compare.html",
        status=422 if wrong else 200,
        left=left,
        right=right,
        a=first,
        b=b or found[-1].file.file.stem,
        options=options,
        pairs=pairs(left, right),
        rules=rules_differing(left, right),
        terms={side.version: words.terms_of(side, seat.language) for side in (left, right)},
        dates=dates,
        due=day,
        words=words,
        typed={"due": due} if wrong else {},
        mistakes=wrong,
    )


def _day(given: str, today: date) -> tuple[date, dict[str, str]]:
    try:
        return (date.fromisoformat(given) if given.strip() else today + USUAL_TERM), {}
    except ValueError:
        return today + USUAL_TERM, {"due": "give a day, such as 2026-12-24"}


@router.get("/policies/{name}")
async def show(request: Request, seat: Viewer, name: str) -> Response:
    """Shows a policy as a calendar, and what an invoice under it would meet."""
    found = next((one for one in await offered(seat) if one.file.file.stem == name.partition("@")[0]), None)
    if found is not None and found.policy is None and "@" not in name:
        return page(seat, request, "policies/broken.html", found=found)
    policy = await chosen(seat, name)
    asked, wrong = _asked(request, policy, local_day(seat).date())
    return page(
        seat,
        request,
        "policies/policy.html",
        status=422 if wrong else 200,
        policy=policy,
        name=name,
        found=found,
        line=ladder.line(policy),
        terms=words.terms_of(policy, seat.language),
        words=words,
        tried=tried(policy, asked, seat.language) if asked is not None else None,
        countries=_countries(seat.language),
        weekdays=ladder.weekdays(seat.language),
        typed=dict(request.query_params)
        if wrong
        else (asked.model_dump(mode="json", exclude_none=True) if asked else {}),
        mistakes=wrong,
    )
