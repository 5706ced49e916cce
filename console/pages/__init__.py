"""The pages of the console, each module a router; ROUTERS lists those that the application serves."""

from console.pages import behind, entrance, overview, tasks, time_machine, today

ROUTERS = (
    entrance.router,
    today.router,
    tasks.router,
    time_machine.router,
    overview.router,
    behind.router,
)
