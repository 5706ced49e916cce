"""The pages of the console, each module a router; ROUTERS lists those that the application serves."""

from console.pages import (
    behind,
    bulk,
    case,
    debtors,
    entrance,
    entries,
    files,
    invoices,
    messages,
    overview,
    payments,
    provider,
    settings,
    tasks,
    time_machine,
    today,
)

ROUTERS = (
    entrance.router,
    provider.router,
    today.router,
    tasks.router,
    invoices.router,
    bulk.router,
    debtors.router,
    case.router,
    messages.router,
    overview.router,
    payments.router,
    files.router,
    entries.router,
    behind.router,
    settings.router,
    time_machine.router,
)
