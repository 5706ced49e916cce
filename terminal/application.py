"""The table of contents of the command line.

In: every command under its name, in the order in which they are listed.
Not in: what the commands do.
"""

from collections.abc import Callable

import typer

from terminal import (
    agreeing,
    agreements,
    auditing,
    bank,
    credit,
    deploying,
    feeding,
    following,
    holding,
    keeping,
    keys,
    listening,
    loading,
    mails,
    moving,
    orders,
    planning,
    receipts,
    restoring,
    serving,
    showing,
    simulating,
    stopping,
    troubles,
    watching,
)
from terminal.shell import Shell

PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Feed in facts": {
        "import": loading.import_files,
        "watch": watching.watch,
        "listen": listening.listen,
        "take": feeding.take,
        "paid": feeding.paid,
        "allocate": receipts.allocate,
        "reverse": receipts.reverse,
        "credit": feeding.credit,
        "write-off": feeding.write_off,
        "payments-known": feeding.payments_known,
    },
    "See": {
        "show": showing.show,
        "list": showing.list_cases,
        "exposure": credit.exposure,
        "tasks": following.tasks,
        "troubles": troubles.troubles,
        "outbox": troubles.wake_ups,
        "status": keeping.status,
    },
    "Agree": {
        "dispute": agreeing.dispute,
        "promise": agreeing.promise,
        "plan": agreeing.plan,
        "settlement": agreeing.settlement,
    },
    "Steer": {
        "hold": holding.hold,
        "resume": holding.resume,
        "skip": orders.skip,
        "send-now": orders.send_now,
        "approve": orders.approve,
        "judge": following.judge,
        "void": following.void,
        "stop-sending": stopping.stop_sending,
        "resume-sending": stopping.resume_sending,
        "retry": troubles.retry,
    },
    "Plan ahead": {
        "preview": planning.preview,
        "simulate": simulating.simulate,
    },
    "Serve people": {
        "serve": serving.serve,
        "person": serving.add_person,
    },
    "Look after the record": {
        "verify": keeping.verify,
        "audit": auditing.audit_record,
        "backup": restoring.backup,
        "reconcile": restoring.reconcile,
        "migrate": keeping.migrate,
        "deploy": deploying.deploy,
    },
}

planning.policies.command("move")(moving.move)


def assemble() -> typer.Typer:
    """Makes the application."""
    application = typer.Typer(
        cls=Shell,
        name="starter.py",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Relance collects unpaid invoices: feed it, see what it does and why, steer it.",
    )
    for panel, commands in PANELS.items():
        for name, command in commands.items():
            application.command(name, rich_help_panel=panel)(command)
    application.add_typer(loading.refused, name="refused", rich_help_panel="Feed in facts")
    application.add_typer(bank.bank, name="bank", rich_help_panel="Feed in facts")
    application.add_typer(mails.listing, name="mails", rich_help_panel="See")
    application.add_typer(agreements.listing, name="agreements", rich_help_panel="Agree")
    application.add_typer(keys.keys, name="api-keys", rich_help_panel="Serve people")
    application.add_typer(keys.senders, name="senders", rich_help_panel="Serve people")
    application.add_typer(planning.policies, name="policy", rich_help_panel="Plan ahead")
    return application
