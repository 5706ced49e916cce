"""The release of the workers that gets the work.

In: `deploy`.
Not in: what Temporal is told (activities/deployment.py), and when a change needs care (docs/versions.md).
"""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from activities.deployment import Deployment, idle_build, look_up, make_current
from config.settings import Settings, load
from domain.faults import ConfigurationFault, InputRefused, NotAllowed, Unavailable
from intake.temporal import connect
from terminal.options import Machine
from terminal.record import PATIENCE_SECONDS
from terminal.screen import clean, give, table
from terminal.shell import leave, run
from workflows.ports import gate_queue

SPREADING_SECONDS = 30.0
"""How long the server may take to tell all its queues."""

BuildToServe = Annotated[
    str | None,
    typer.Argument(metavar="BUILD", help="The build that shall get the work.", show_default=False),
]
Unversioned = Annotated[
    bool, typer.Option("--unversioned", help="Give the work back to workers without a build.")
]
Named = Annotated[
    str | None,
    typer.Option(
        "--deployment", metavar="NAME", help="The deployment; by default the settings'.", show_default=False
    ),
]


def deploy(
    build: BuildToServe = None,
    named: Named = None,
    *,
    unversioned: Unversioned = False,
    machine: Machine = False,
) -> None:
    """Show which build of the workers gets the work, or give it to another; code 5 where ours gets none."""
    if build is not None and unversioned:
        raise InputRefused(
            field="build", value=build, remedy="name a build, or say --unversioned, but not both"
        )
    settings = load()
    name = named or settings.deployment_name
    if name is None:
        msg = (
            "workers are unversioned: RELANCE_DEPLOYMENT_NAME is not set. Set it and RELANCE_BUILD_ID where "
            "the workers start, or name the deployment with --deployment"
        )
        raise ConfigurationFault(msg)
    found, idle = run(_deploy(settings, name, build, change=build is not None or unversioned))
    warning = None if unversioned else idle

    def view(screen: Console) -> None:
        screen.print(_listed(found))
        if warning is not None:
            screen.print(clean(warning), style="red", soft_wrap=True)

    document: dict[str, Any] = found.model_dump(mode="json") | {"warning": warning}
    give(document, view, machine=machine)
    leave(NotAllowed.exit_code if warning is not None else 0)


async def _deploy(
    settings: Settings, name: str, build: str | None, *, change: bool
) -> tuple[Deployment, str | None]:
    client = await connect(patience=PATIENCE_SECONDS)
    found = await look_up(client, name, settings.task_queue)
    if change:
        _refuse_unstaffed(found, build, settings.task_queue)
        await make_current(client, name, build)
        found = await look_up(client, name, settings.task_queue)
        try:
            async with asyncio.timeout(SPREADING_SECONDS):
                while found.current != build:
                    await asyncio.sleep(0.2)
                    found = await look_up(client, name, settings.task_queue)
        except TimeoutError:
            msg = f"Temporal took the order, but {found.current or 'no build'} is still current; look again"
            raise Unavailable(msg) from None
    ours = build or (settings.build_id if name == settings.deployment_name else None)
    return found, idle_build(found, name, ours) if ours is not None else None


def _refuse_unstaffed(found: Deployment, build: str | None, task_queue: str) -> None:
    """Refuses a build of which no worker is at work: nothing would leave until one is."""
    known = next((one for one in found.builds if one.id == build), None)
    if build is None or known is None:
        return  # an unknown build is refused by the server itself
    missing = sorted({task_queue, gate_queue(task_queue)} - set(known.polls))
    if missing:
        msg = (
            f"no worker of build {build} asks for work on {' and '.join(missing)}: start its workers first, "
            "then make it current"
        )
        raise NotAllowed(msg)


def _listed(found: Deployment) -> Any:
    rows = [
        (
            one.id,
            "gets the work" if one.id == found.current else one.status,
            ", ".join(one.polls) or "no worker",
        )
        for one in found.builds
    ]
    title = (
        f"{found.name}: build {found.current} gets the work"
        if found.current
        else (f"{found.name}: unversioned workers get the work")
    )
    return table(title, ("build", "status", "asks for work on"), rows)
