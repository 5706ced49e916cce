"""The pages of the console, each module a router; ROUTERS lists those that the application serves."""

from console.pages import case, entrance, messages, tasks, today

ROUTERS = (entrance.router, today.router, tasks.router, case.router, messages.router)
