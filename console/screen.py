"""Pages: templates filled for a seat, in its language.

In: the template environment, its filters, what every page is told, notices after a command.
Not in: what a page shows (pages/), forms (forms.py).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.types import Receive, Scope, Send

from console import speech
from console.seats import Seat
from domain.actions import NextAction
from domain.explanation import explain

HERE = Path(__file__).resolve().parent
NOTICE = "relance_notice"
LONGEST_NOTICE = 600
SEE_OTHER = 303


@cache
def environment(language: str) -> Environment:
    """Makes the templates of a language: everything is escaped, an unknown name is a fault."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    said = speech.speech(language)
    made.install_gettext_callables(said.gettext, said.ngettext, newstyle=True)  # type: ignore[attr-defined] # the i18n extension adds it
    made.filters |= {
        "money": lambda amount, currency: speech.money(amount, currency, language),
        "number": lambda value: speech.number(value, language),
        "percent": lambda value: speech.percent(value, language),
        "day": lambda value, length="medium": speech.day(value, language, length),
        "moment": lambda value, zone="Europe/Paris": speech.moment(value, zone, language),
        "hour": lambda value, zone="Europe/Paris": speech.hour(value, zone),
        "because": lambda action: because(action, language),
        "path": lambda value: quote(str(value), safe=""),
        "plain": lambda amount: speech.plain_amount(amount, language),
        "upfirst": lambda text: text[:1].upper() + text[1:],
    }
    made.globals |= {"icon": icon, "language": language, "asset": asset}
    return made


def because(action: NextAction, language: str) -> str:
    """Says why an action comes next."""
    return speech.dated(explain(action.because, language), language)


def icon(name: str) -> Markup:
    """Draws a symbol that says nothing by itself: what it means stands beside it in words."""
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        asset("icons.svg"), name
    )


@cache
def asset(name: str) -> str:
    """Gives the address of a static file; it changes with the file, so browsers may keep it for good."""
    stamp = int((HERE / "static" / name).stat().st_mtime)
    return f"/static/{name}?{stamp}"


_FILLING = ThreadPoolExecutor(1, "pages")
"""One page is filled at a time: several would take the processor from whoever waits for a word of it."""


class Page(HTMLResponse):
    """Is a page that is filled aside, when it is sent, while everybody else is served."""

    def __init__(self, fill: Callable[[], str], status: int) -> None:
        """Takes what fills the page."""
        super().__init__(None, status)
        self._fill = fill

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fills the page and sends it."""
        text = await asyncio.get_running_loop().run_in_executor(_FILLING, self._fill)
        self.body = self.render(text)
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def page(seat: Seat, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Fills a template for a seat; `values` are what the page shows."""
    told = {
        "seat": seat,
        "person": seat.person,
        "now": seat.now,
        "here": request.url.path,
        "address": str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
        "notice": _notice(request),
        "machine": seat.office.time_machine is not None,
        "beat": request.state.beat,
        "typed": {},
        "mistakes": {},
    }
    response = Page(partial(environment(seat.language).get_template(template).render, told | values), status)
    if told["notice"] is not None:
        response.delete_cookie(NOTICE)
    return response


def plain(language: str, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Fills a template for somebody who has not signed in."""
    return HTMLResponse(environment(language).get_template(template).render(values), status)


def done(to: str, sentence: str = "", *, kind: str = "done") -> Response:
    """Goes on to a page after a command, with a sentence that says what was done (kinds: done, warn)."""
    response = RedirectResponse(to, SEE_OTHER)
    if sentence:
        said = quote(json.dumps([kind, sentence[:LONGEST_NOTICE]]))
        response.set_cookie(NOTICE, said, max_age=60, httponly=True, samesite="lax")
    return response


def _notice(request: Request) -> Mapping[str, str] | None:
    kept = request.cookies.get(NOTICE)
    if kept is None:
        return None
    try:
        kind, sentence = json.loads(unquote(kept))
    except ValueError:
        return None
    return {"kind": "warn" if kind == "warn" else "done", "sentence": str(sentence)}


@pass_context
def current(context: Context, address: str) -> Markup:
    """Marks the link of the page one is on."""
    here = str(context["here"])
    same = here == address or (address != "/" and here.startswith(f"{address}/"))
    return (
        Markup('href="{}" aria-current="page"').format(address)
        if same
        else Markup('href="{}"').format(escape(address))
    )
