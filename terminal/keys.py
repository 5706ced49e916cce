"""Who may use the API, from the command line.

In: `api-keys`, `senders`: making, listing and ending them.
Not in: what they are good for (console/api/), people (the console's settings).
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact
from ledger import access
from ledger.access import Right
from terminal.options import Author, Machine
from terminal.record import opened
from terminal.screen import give, say, table
from terminal.shell import run

keys = typer.Typer(help="Keys of the API: list, make, end.", invoke_without_command=True)
senders = typer.Typer(
    help="Programs that sign the events they send: list, make, end.", invoke_without_command=True
)

Creditors = Annotated[
    list[str] | None,
    typer.Option("--creditor", metavar="ID", help="Whose facts only. Repeat; by default everybody's."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)]


def _list(
    read: Callable[[AsyncConnection], Awaitable[Sequence[Fact]]],
    columns: tuple[str, ...],
    title: str,
    *,
    machine: bool,
) -> None:
    async def work() -> list[dict[str, Any]]:
        async with opened() as record, record.database.reading() as conn:
            return [one.model_dump(mode="json") for one in await read(conn)]

    found = run(work())
    rows = [[_cell(one.get(column)) for column in columns] for one in found]
    give({title: found}, lambda screen: screen.print(table("", columns, rows)), machine=machine)


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "-")


@keys.callback()
def list_keys(context: typer.Context, *, machine: Machine = False) -> None:
    """List the keys, those that were ended too."""
    if context.invoked_subcommand is None:
        _list(access.keys, ("id", "name", "rights", "creditors", "ended_at"), "keys", machine=machine)


@keys.command("new")
def new_key(
    name: Name,
    right: Annotated[
        list[Right], typer.Option("--right", help="What it is good for. Repeat.", show_default=False)
    ],
    creditor: Creditors = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Make a key; its token is shown this once."""

    async def work() -> None:
        async with opened(create=True) as record, record.database.writing() as conn:
            made, token = await access.make_key(conn, name, right, creditor or None, author, record.now)
        document = made.model_dump(mode="json") | {"token": token}
        give(document, say(f"key {made.id}, shown once:", token), machine=machine)

    run(work())


@keys.command("end")
def end_key(
    name: Annotated[str, typer.Argument(metavar="ID", help="The key's id.", show_default=False)],
    *,
    machine: Machine = False,
) -> None:
    """End a key for good."""

    async def work() -> None:
        async with opened() as record, record.database.writing() as conn:
            await access.end_key(conn, name, datetime.now(UTC))
        give({"id": name}, say(f"key {name}: ended."), machine=machine)

    run(work())


@senders.callback()
def list_senders(context: typer.Context, *, machine: Machine = False) -> None:
    """List the senders, those that were ended too."""
    if context.invoked_subcommand is None:
        _list(access.everybody_sending, ("id", "creditors", "ended_at"), "senders", machine=machine)


@senders.command("new")
def new_sender(name: Name, creditor: Creditors = None, *, author: Author, machine: Machine = False) -> None:
    """Make a sender; its secret is shown this once. Given again, a name gets another secret.

    The secret before the newest still signs, so that it can be changed without a gap.
    """

    async def work() -> None:
        async with opened(create=True) as record, record.database.writing() as conn:
            if await access.sender_of(conn, name) is None:
                _, secret = await access.make_sender(conn, name, creditor or None, author, record.now)
            else:
                secret = await access.new_secret(conn, name)
        document = {"id": name, "secret": secret}
        give(document, say(f"sender {name}, its secret is shown once:", secret), machine=machine)

    run(work())


@senders.command("end")
def end_sender(name: Name, *, machine: Machine = False) -> None:
    """End a sender for good."""

    async def work() -> None:
        async with opened() as record, record.database.writing() as conn:
            await access.end_sender(conn, name, record.now)
        give({"id": name}, say(f"sender {name}: ended."), machine=machine)

    run(work())
