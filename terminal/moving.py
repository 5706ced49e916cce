"""Open invoices moved to another version of a policy: looked at first, then done, then kept as a list.

In: `policy move`.
Not in: the work through the accounts (intake/moving.py), the list as it is shown and kept (moves.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from domain.faults import NotFound
from domain.policy import DunningPolicy
from intake.moving import Mover, Moving
from terminal.moves import check_file, document, keep, show
from terminal.options import Author, Lang, Machine, Speech
from terminal.record import Record, opened
from terminal.screen import give
from terminal.shell import run, some_refused
from terminal.texts import check_words


def move(
    source: Annotated[
        str,
        typer.Argument(metavar="FROM", help="A policy's id, for all its versions, or one version ID@..."),
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A policy's id, as its file stands now, or a stored version.")
    ],
    creditor: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what is owed to this one.", show_default=False)
    ] = None,
    debtor: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this customer's invoices.", show_default=False)
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="FILE", help="Keep the list too, as .json or .csv.", show_default=False
        ),
    ] = None,
    *,
    author: Author,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would change; nothing is written.")
    ] = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Move open invoices to another version of a policy; what has been said is not said again."""
    check_file(kept)
    done = run(_move(source, target, (creditor, debtor), author, kept, lang, dry_run=dry_run))
    give(document(done, lang), lambda screen: show(screen, done, lang), machine=machine)
    some_refused(done.failed or done.not_reached or "stays" in done.counts)


async def _move(
    source: str,
    target: str,
    whose: tuple[str | None, str | None],
    author: str,
    kept: Path | None,
    lang: str,
    *,
    dry_run: bool,
) -> Moving:
    async with opened() as record:
        policy = await _target(record, target)
        check_words([policy], record.settings.folders.wording)
        mover = await Mover.of(record.database, record.shelf, record.now, source, policy, author)
        creditor, debtor = whose
        accounts = await mover.accounts(None if creditor is None else {creditor}, debtor)
        done = mover.begin(dry_run=dry_run)
        try:
            await mover.go_through(accounts, done)
        finally:
            keep(kept, done, lang)
        if not dry_run and done.moves:
            done.delivered = await record.deliver()
    return done


async def _target(record: Record, name: str) -> DunningPolicy:
    """Finds the policy to move to: a stored version, or the file of that id as it stands."""
    if "@" in name:
        async with record.database.reading() as conn:
            return await record.shelf.get(conn, name)
    if name not in record.catalogue:
        msg = (
            f"no policy {name!r}; use one of {', '.join(sorted(record.catalogue))}, "
            "or a stored version as ID@0123456789ab"
        )
        raise NotFound(msg)
    return record.catalogue[name]
