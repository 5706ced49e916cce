"""The pages of the console, each module a router; ROUTERS lists those that the application serves."""

from console.pages import (
    behind,
    case,
    entrance,
    entries,
    files,
    messages,
    migrating,
    overview,
    payments,
    policies,
    tasks,
    texts,
    time_machine,
    today,
)

ROUTERS = (
    entrance.router,
    today.router,
    tasks.router,
    case.router,
    messages.router,
    overview.router,
    payments.router,
    files.router,
    entries.router,
    migrating.router,
    policies.router,
    texts.router,
    behind.router,
    time_machine.router,
)
