"""The texts of a policy, as a sample customer would get them.

In: choosing a step, a language and a sample; the page, and the text alone for its frame.
Not in: the policy itself (policies.py), the wording (correspondence/wording.py).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console import shown
from console.pages.policies import chosen
from console.screen import page
from console.seats import Seat, Viewer
from correspondence.samples import samples
from domain.faults import NotFound
from domain.policy import Channel, DunningPolicy, DunningStep
from intake.telling import words

router = APIRouter()

BEFORE = ("one coming", "several coming")
AFTER = ("one", "several", "mixed", "received", "disputed", "bare")


class Text(NamedTuple):
    """Says which text of a policy is shown: of which step, in which language, of which sample, sent how."""

    policy: DunningPolicy
    step: DunningStep
    language: str
    sample: str
    channel: Channel


def samples_of(step: DunningStep) -> Sequence[str]:
    """Names the samples that fit a step: before the due date nobody is late."""
    return BEFORE if step.lapses_when_due else AFTER


def channels_of(step: DunningStep) -> list[Channel]:
    """Lists the ways in which a step's text may go out."""
    others = [step.fallback] if step.fallback is not None and step.fallback.writes else []
    return [step.channel, *others]


async def _text(seat: Seat, name: str, given: dict[str, str]) -> Text:
    policy = await chosen(seat, name)
    spoken = [step for step in policy.steps if step.message]
    step = next((one for one in spoken if one.key == given.get("step")), spoken[0] if spoken else None)
    if step is None:
        msg = f"policy {name!r} says nothing to anybody"
        raise NotFound(msg)
    language = given.get("language", "")
    sample = given.get("sample", "")
    channels = [step.channel] + (
        [step.fallback] if step.fallback is not None and step.fallback.writes else []
    )
    channel = next((one for one in channels if one.value == given.get("channel")), step.channel)
    return Text(
        policy,
        step,
        language if language in policy.languages else policy.languages[0],
        sample if sample in samples_of(step) else samples_of(step)[0],
        channel,
    )


async def _rendered(seat: Seat, text: Text) -> Any:
    sample = samples(text.step.message, text.language)[text.sample]
    facts = {"channel": text.channel, "tone": text.step.tone, "step": text.step.key}
    if not text.step.payment_period_days:
        facts["deadline"] = None
    return await shown.rendered(sample.model_copy(update=facts), seat.office.settings.folders.wording)


@router.get("/policies/{name}/texts")
async def texts(request: Request, seat: Viewer, name: str) -> Response:
    """Shows a text of a policy as a sample customer would get it."""
    text = await _text(seat, name, dict(request.query_params))
    rendered = await _rendered(seat, text)
    return page(
        seat,
        request,
        "policies/texts.html",
        name=name,
        text=text,
        mail=None if isinstance(rendered, bytes) else rendered,
        spoken=[step for step in text.policy.steps if step.message],
        samples=samples_of(text.step),
        channels=channels_of(text.step),
        words=words,
    )


@router.get("/policies/{name}/texts/shown")
async def text_shown(request: Request, seat: Viewer, name: str) -> Response:
    """Answers with a text alone, for a frame in which nothing runs."""
    text = await _text(seat, name, dict(request.query_params))
    rendered = await _rendered(seat, text)
    if isinstance(rendered, bytes):
        return shown.file(rendered, f"{text.policy.id}-{text.step.key}-{text.language}.pdf")
    return shown.framed(rendered.html)
