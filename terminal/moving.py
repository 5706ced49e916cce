"""Open invoices moved to another version of a policy: looked at first, then done, then kept as a list.

In: `policy move`.
Not in: what stays said and what is passed (domain/succession.py), and the writing (ledger/moving.py).

Each account moves in a transaction of its own. A move that is cut short leaves whole accounts behind it, and
the same command again moves what is left; what has moved already is not listed again.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from domain.faults import NotFound, RelanceError, Unavailable
from domain.policy import DunningPolicy
from ledger import policies
from ledger.moving import Move, accounts_under, carried_out, foreseen
from terminal.moves import Failed, Moving, check_file, document, keep, show
from terminal.options import Author, Lang, Machine, Speech
from terminal.record import Record, opened
from terminal.screen import give
from terminal.shell import run, some_refused
from terminal.texts import check_words

PATIENCE = 3
"""How many accounts in a row may find the database away before the rest is left for another run."""

BROKEN = (ValueError, LookupError, TypeError, ArithmeticError, AssertionError, SQLAlchemyError)
"""What facts that cannot be read raise: such an account is listed, and the others go on."""

Work = Callable[[tuple[str, str]], Coroutine[Any, Any, list[Move]]]


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
        async with record.database.reading() as conn:
            found = await policies.versions(conn, source)
            if not found:
                msg = f"no invoice was ever under a policy {source!r}; `list --json` names each one's version"
                raise NotFound(msg)
            versions = tuple(one for one in found if one != policy.version)
            accounts = await accounts_under(conn, versions, *whose)
        done = Moving(versions, policy.version, dry_run, not_reached=len(accounts))
        if not dry_run and accounts:
            async with record.database.writing() as conn:
                await policies.store(conn, policy, record.now)
        try:
            await _each(done, accounts, _work(record, versions, policy, author, dry_run=dry_run))
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


def _work(
    record: Record, versions: tuple[str, ...], policy: DunningPolicy, author: str, *, dry_run: bool
) -> Work:
    async def look(account: tuple[str, str]) -> list[Move]:
        async with record.database.reading() as conn:
            return await foreseen(conn, account, versions, policy, record.now, record.shelf)

    async def act(account: tuple[str, str]) -> list[Move]:
        async with record.database.writing() as conn:
            return await carried_out(conn, account, versions, policy, author, record.now, record.shelf)

    return look if dry_run else act


async def _each(done: Moving, accounts: list[tuple[str, str]], work: Work) -> None:
    """Works through the accounts; one that cannot be read stops no other."""
    away = 0
    for account in accounts:
        try:
            done.moves += await work(account)
        except Unavailable as fault:
            away += 1
            done.failed.append(Failed(creditor=account[0], debtor=account[1], problem=str(fault)))
            if away == PATIENCE:
                return
        except (RelanceError, *BROKEN) as fault:
            # The text of an unforeseen fault may quote names; its kind is enough to find the account.
            told = (
                str(fault) if isinstance(fault, RelanceError) else f"cannot be read ({type(fault).__name__})"
            )
            done.failed.append(Failed(creditor=account[0], debtor=account[1], problem=told))
        else:
            away = 0
        done.not_reached -= 1
