"""What came back by e-mail, for people to read: replies, bounces, and mails of which nobody knows whose.

In: `mails`, with `show`, `done` and `works`.
Not in: how they come in (intake/mailbox/).
"""

from typing import Annotated

import typer
from rich.console import Console

from domain.faults import InputRefused
from intake.mailbox import reading
from intake.mailbox.reading import KeptMail
from intake.telling import words
from terminal.options import Author, Lang, Machine, Speech
from terminal.record import opened
from terminal.screen import clean, give, say, table
from terminal.shell import run

WORDS = {
    "en": {
        "title": "mails to read",
        "heads": ("id", "came (UTC)", "kind", "customer", "invoices", "subject"),
        "none": "no mail waits to be read.",
    },
    "fr": {
        "title": "courriels à lire",
        "heads": ("id", "reçu (UTC)", "nature", "client", "factures", "objet"),
        "none": "aucun courriel n'attend d'être lu.",
    },
}
KINDS = {
    "fr": {
        "bounce": "rejet",
        "delayed": "retard",
        "reply": "réponse",
        "auto_reply": "réponse automatique",
        "unknown": "inconnue",
    }
}
SHORT = 12

listing = typer.Typer(
    invoke_without_command=True,
    help="List the mails that came back and wait to be read; show one, or say that it was read.",
)
Mail = Annotated[
    str, typer.Argument(metavar="ID", help="The mail's id, or its beginning.", show_default=False)
]


@listing.callback()
def mails(context: typer.Context, *, lang: Lang = Speech.EN, machine: Machine = False) -> None:
    """List the mails that wait for a person."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> list[KeptMail]:
        async with opened() as record, record.database.reading() as conn:
            return await reading.waiting(conn)

    found = run(work())
    documents = [one.model_dump(mode="json", exclude={"text"}) for one in found]
    give({"mails": documents}, lambda screen: _list(screen, found, lang), machine=machine)


def _list(screen: Console, found: list[KeptMail], lang: Speech) -> None:
    said = WORDS[lang.value]
    if not found:
        screen.print(said["none"])
        return
    rows = [
        (
            one.id[:SHORT],
            words.at(one.at, lang, "UTC"),
            KINDS.get(lang.value, {}).get(one.kind.value, one.kind.value.replace("_", " ")),
            clean(one.debtor or one.sender or "?"),
            ", ".join(one.invoices),
            clean(one.subject),
        )
        for one in found
    ]
    screen.print(table(str(said["title"]), list(said["heads"]), rows))


@listing.command("show")
def show(mail: Mail, *, machine: Machine = False) -> None:
    """Show a mail: from whom, about what, and the new part of its text."""

    async def work() -> KeptMail:
        async with opened() as record, record.database.reading() as conn:
            return await reading.find_mail(conn, mail)

    found = run(work())
    lines = (found.sender or "?", found.subject, "", *found.text.splitlines())
    give(found.model_dump(mode="json"), say(*lines), machine=machine)


@listing.command("done")
def done(
    mail: Mail,
    resolution: Annotated[str, typer.Option(help="What became of it.")] = "read",
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Say that a mail was read: its task closes, and what it held goes on."""

    async def work() -> tuple[bool, bool]:
        async with opened() as record:
            changed = await reading.mark_read(
                record.database, record.shelf, mail, author, record.now, resolution
            )
            return changed, await record.deliver()

    changed, woken = run(work())
    said = "read: what it held goes on." if changed else "it was read before; nothing changed."
    give({"mail": mail, "changed": changed, "delivered": woken}, say(said), machine=machine)


@listing.command("works")
def works(
    debtor: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.", show_default=False)],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address.", show_default=False)],
    creditor: Annotated[str, typer.Option(metavar="ID", help="Who is owed.", show_default=False)],
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Say that an address works again which an e-mail had bounced from."""

    async def work() -> bool:
        async with opened() as record:
            async with record.book(creditor, debtor) as book:
                changed = await reading.use_again(book, address, author)
            if not changed:
                remedy = "bears no mark of a bounce at this customer; look at its contacts"
                raise InputRefused("address", address, remedy)
            return await record.deliver()

    woken = run(work())
    said = say("it is written to again.")
    give({"debtor": debtor, "changed": True, "delivered": woken}, said, machine=machine)
