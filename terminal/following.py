"""What waits for a person: tasks, and messages to be judged or voided.

In: `tasks`, `judge`, `void`.
Not in: approvals, which are orders to a run (orders.py).
"""

from typing import Annotated

import typer
from rich.console import Console

from correspondence.postbook import PostBook
from domain.faults import InputRefused
from intake import tasks as answered
from intake.telling import words
from ledger import queries
from ledger.queries import Task
from terminal.options import Author, Lang, Machine, Reason, Speech
from terminal.record import opened
from terminal.screen import give, say, table
from terminal.shell import run

TYPED = 12
"""How much of a long id is shown: as much as other commands need to know it again."""

TYPED_SHORT = frozenset({"mail", "entry"})

MessageId = Annotated[
    str, typer.Argument(metavar="MESSAGE", help="The message's id, as `show` gives it.", show_default=False)
]


def tasks(
    done: Annotated[
        str | None, typer.Option("--done", metavar="ID", help="Close this task.", show_default=False)
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What came of it, with --done.", show_default=False)
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Only these: call, post, approval, ...", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 200,
    *,
    author: Author,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """List what waits for a person, the most urgent first; or close a task with --done."""
    if done is not None:
        if not resolution:
            raise InputRefused(
                field="resolution",
                value=resolution,
                remedy="say what came of the task, with --resolution TEXT",
            )
        run(_close(done, resolution, author, machine=machine))
        return

    async def work() -> list[Task]:
        async with opened() as record, record.database.reading() as conn:
            return await queries.open_tasks(conn, kind=kind, limit=limit)

    found = run(work())
    give({"tasks": found}, lambda screen: _list(screen, found, lang), machine=machine)


def _list(screen: Console, found: list[Task], language: str) -> None:
    heads = ("due", "kind", "invoice", "debtor")
    rows = [
        (words.on(task.due_on, language), task.kind, task.invoice or "-", task.debtor, task.id, _detail(task))
        for task in found
    ]
    columns = [*(words.label(head, language) for head in heads), "id", words.label("what", language)]
    screen.print(table(words.label("tasks", language), columns, rows))


def _detail(task: Task) -> str:
    """Says what a task is about; ids of bank entries and mails by as much of them as can be typed."""
    return ", ".join(
        f"{name} {str(value)[:TYPED] if name in TYPED_SHORT else value}"
        for name, value in task.detail.items()
        if isinstance(value, str | int)
    )[:120]


async def _close(task: str, resolution: str, author: str, *, machine: bool) -> None:
    async with opened() as record:
        async with record.database.reading() as conn:
            found = await queries.find_task(conn, task)
        changed = await answered.close(record.database, record.shelf, found, resolution, author, record.now)
        woken = await record.deliver()
    said = "task closed." if changed else "the task was closed before; nothing changed."
    give({"task": task, "changed": changed, "delivered": woken}, say(said), machine=machine)


def judge(
    message: MessageId,
    reason: Reason,
    *,
    delivered: Annotated[
        bool,
        typer.Option("--delivered", help="It reached the customer: its steps count as taken."),
    ] = False,
    not_delivered: Annotated[
        bool,
        typer.Option("--not-delivered", help="It did not: its steps will be taken again."),
    ] = False,
    author: Author,
    machine: Machine = False,
) -> None:
    """Decide about a message of which nobody can know whether it left."""
    if delivered == not_delivered:
        said_now = "both are given" if delivered else "neither is given"
        msg = f"say either --delivered or --not-delivered; {said_now}"
        raise typer.BadParameter(msg)

    async def work() -> bool:
        async with opened() as record:
            async with record.database.reading() as conn:
                creditor, debtor, _ = await queries.find_message(conn, message)
            postbook = PostBook(record.settings.folders.evidence)
            async with record.book(creditor, debtor) as book:
                await answered.judge(
                    book, postbook, message, delivered=delivered, reason=reason, author=author
                )
            return await record.deliver()

    woken = run(work())
    said = (
        "it counts as delivered."
        if delivered
        else "it counts as not delivered; its steps will be taken again."
    )
    give({"message": message, "delivered": delivered, "woken": woken}, say(said), machine=machine)


def void(message: MessageId, reason: Reason, *, author: Author, machine: Machine = False) -> None:
    """Void a message that should not have left: its steps are open again."""

    async def work() -> tuple[list[str], bool]:
        async with opened() as record:
            async with record.database.reading() as conn:
                creditor, debtor, known = await queries.find_message(conn, message)
            async with record.book(creditor, debtor) as book:
                await book.void_message(message, reason, author)
            return known.numbers, await record.deliver()

    numbers, woken = run(work())
    said = f"voided; the step is open again for {', '.join(numbers)}."
    give({"message": message, "invoices": numbers, "woken": woken}, say(said), machine=machine)
