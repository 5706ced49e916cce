"""The console's process: pages, the API, the debtor's page.

In: `serve`, and `people` who may sign in.
Not in: the application itself (console/application.py), and the worker, which goes on without it.
"""

import secrets
import sys
from typing import Annotated, Any

import structlog
import typer

from config import logs
from config.settings import load
from domain.faults import Unavailable
from ledger import people as record
from ledger.people import Person, Role
from terminal.options import Machine
from terminal.record import opened
from terminal.screen import give, say
from terminal.shell import run

log = structlog.get_logger("console")

SWITCH_SECONDS = 0.001
GRACE_SECONDS = 2
"""How long open streams may keep the process from ending."""


def serve(
    bind: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where to listen; by default as set.", show_default=False),
    ] = None,
) -> None:
    """Serve the console, the HTTP API and the debtors' page, until stopped."""
    import uvicorn  # noqa: PLC0415 - the other commands should not wait for a web server to be read

    from console import people  # noqa: PLC0415 - see above
    from console.application import build  # noqa: PLC0415 - see above
    from console.office import opened as office_opened  # noqa: PLC0415 - see above

    async def work() -> None:
        settings = load()
        logs.configure(settings.log_format, settings.log_level)
        # Pages are filled in a thread: an event that comes meanwhile waits so long for each of its steps.
        sys.setswitchinterval(SWITCH_SECONDS)
        host, _, port = (bind or settings.console.bind).rpartition(":")
        async with office_opened(settings) as office:
            password = await people.first_administrator(office.database, office.clock())
            if password is not None:
                typer.echo(f"first sign-in: admin@localhost with the password {password} (shown once)")
            server = uvicorn.Server(
                uvicorn.Config(
                    build(office),
                    host=host,
                    port=int(port),
                    log_config=None,
                    log_level="warning",
                    access_log=False,
                    timeout_graceful_shutdown=GRACE_SECONDS,
                    server_header=False,
                    proxy_headers=False,
                )
            )
            log.info("console_started", bind=f"{host}:{port}")
            try:
                await server.serve()
            except SystemExit as taken:
                msg = f"{host}:{port} cannot be listened on: choose another with --bind"
                raise Unavailable(msg) from taken

    run(work())


def add_person(
    name: Annotated[str, typer.Argument(metavar="EMAIL", help="The address one signs in with.")],
    role: Annotated[str, typer.Option(help="viewer, operator, manager or administrator.")] = "operator",
    called: Annotated[
        str | None, typer.Option("--name", help="The person's name.", show_default=False)
    ] = None,
    creditors: Annotated[
        list[str] | None,
        typer.Option(
            "--creditor", metavar="ID", help="Only these creditors; by default all.", show_default=False
        ),
    ] = None,
    *,
    machine: Machine = False,
) -> None:
    """Let somebody sign in to the console, or give them a new password; it is shown once."""
    from console import people  # noqa: PLC0415 - see `serve`

    async def work() -> dict[str, Any]:
        async with opened() as kept:
            password = secrets.token_urlsafe(12)
            who = Person(
                id=name.lower(),
                name=called or name.split("@", maxsplit=1)[0],
                role=Role[role.upper()],
                creditors=tuple(creditors) if creditors else None,
            )
            mixed = await people.hashed(password)
            async with kept.database.writing() as conn:
                new = await record.save(conn, who, kept.now, password=mixed)
            return {"person": who.id, "role": who.role.key, "new": new, "password": password}

    said = run(work())
    give(said, say(f"{said['person']} ({said['role']}): password {said['password']}"), machine=machine)
