"""The pages of the console, each module a router; ROUTERS lists those that the application serves."""

from console.pages import (
    behind,
    bulk,
    case,
    debtors,
    entrance,
    invoices,
    messages,
    overview,
    tasks,
    time_machine,
    today,
)

ROUTERS = (
    entrance.router,
    today.router,
    tasks.router,
    invoices.router,
    bulk.router,
    debtors.router,
    case.router,
    messages.router,
    overview.router,
    behind.router,
    time_machine.router,
)
