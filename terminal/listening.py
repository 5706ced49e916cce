"""A message broker listened to from the command line.

In: `listen`.
Not in: what becomes of a message (intake/broker.py), folders (watching.py).
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from intake.broker import DEAD, SUBJECT, listening
from intake.receiving import Answer
from terminal.options import Machine
from terminal.record import opened
from terminal.screen import give, say
from terminal.shell import run


def listen(
    broker: Annotated[
        str, typer.Option("--broker", metavar="URL", help="As nats://127.0.0.1:4222.", show_default=False)
    ],
    subject: Annotated[str, typer.Option(metavar="NAME", help="Where events come from.")] = SUBJECT,
    dead: Annotated[
        str, typer.Option("--dead-letters", metavar="NAME", help="Where a copy of what is refused goes.")
    ] = DEAD,
    *,
    creditors: Annotated[
        bool, typer.Option("--with-creditors", help="Events may also say who is owed, and where to pay.")
    ] = False,
    machine: Machine = False,
) -> None:
    """Take in events, as CloudEvents, from a message broker until Ctrl-C; NATS with JetStream is known.

    What is refused waits among `refused`, and a copy goes to the dead letters with the reason.
    """

    async def work() -> None:
        async with opened(create=True) as record:
            record.check_words()

            def tell(answer: Answer) -> None:
                document = answer.model_dump(mode="json")
                give(document, say(f"{answer.status.value}: {_what(answer)}"), machine=machine)

            async with listening(
                broker,
                record.door,
                lambda: datetime.now(UTC),
                record.deliver,
                subject=subject,
                dead=dead,
                registers=creditors,
                heard=tell,
            ):
                if not machine:
                    give({}, say(f"listening to {subject}; Ctrl-C ends it"), machine=False)
                await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        run(work())


def _what(answer: Answer) -> str:
    """Says what became of an event, and where a refused one waits."""
    if answer.wrong is None:
        return answer.what
    where = "" if answer.kept is None else f"; it waits as row {answer.kept} of `refused`"
    return f"{answer.wrong.field} = {answer.wrong.value!r}: {answer.wrong.remedy}{where}"
