"""How much a customer owes in all, and whether an order may be delivered to him on credit.

In: `exposure`.
Not in: the rules (domain/credit.py), credit notes (feeding.py), and the invoices one by one (showing.py).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

import typer

from domain import credit
from domain.account import Account
from domain.calendars import Agenda
from domain.credit import CreditAnswer, Limits
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from intake.currencies import CURRENCIES
from intake.telling import words
from ledger import accounts, queries
from ledger.queries import Filters
from terminal.options import Lang, Machine, OfCreditor, Speech, amount
from terminal.record import Record, opened
from terminal.screen import give, say
from terminal.shell import leave, run

SAID = {
    "en": {
        "owed": "{name} ({id}) owes {sum} in all, due or not.",
        "overdue": "{count} invoice(s) overdue: {sum}.",
        "nothing": "nothing",
        "no_limit": "No limit is on record for this customer.",
        "limit": "At most {sum} may be owed in all.",
        "unpaid_limit": "At most {sum} may be unpaid more than {days} day(s) after the due date.",
        "yes": "An order of {sum} may be delivered.",
        "no": "An order of {sum} is refused: {why}.",
    },
    "fr": {
        "owed": "{name} ({id}) doit {sum} en tout, échu ou non.",
        "overdue": "{count} facture(s) échue(s) : {sum}.",
        "nothing": "rien",
        "no_limit": "Aucun plafond n'est enregistré pour ce client.",
        "limit": "Encours autorisé : {sum} au plus.",
        "unpaid_limit": "Impayés autorisés : {sum} au plus, {days} jour(s) après l'échéance.",
        "yes": "Une commande de {sum} peut être livrée.",
        "no": "Une commande de {sum} est refusée : {why}.",
    },
}


def exposure(
    debtor: Annotated[str, typer.Argument(metavar="DEBTOR", help="The customer's id.", show_default=False)],
    order: Annotated[
        Decimal | None,
        typer.Option(
            metavar="AMOUNT", parser=amount, help="An order to deliver on credit.", show_default=False
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="The order's currency; else the limit's.", show_default=False),
    ] = None,
    limit: Annotated[
        Decimal | None,
        typer.Option(
            metavar="AMOUNT", parser=amount, help="Try this credit limit instead.", show_default=False
        ),
    ] = None,
    creditor: OfCreditor = None,
    *,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Show what a customer owes in all, and whether an order may be delivered: exit code 5 where it may not.

    Without --order the answer says whether he is within his limits as it is.
    """

    async def work() -> tuple[Account, date]:
        async with opened() as record:
            owner = creditor or await _creditor(record, debtor)
            async with record.database.reading() as conn:
                account = (await accounts.load(conn, owner, debtor)).account
            return account, Agenda.of(account.creditor, account.debtor).today(record.now)

    if currency is not None and currency not in CURRENCIES:
        raise InputRefused("currency", currency, "is not an ISO 4217 currency in use; write for example EUR")
    account, today = run(work())
    limits = Limits.of(account.debtor)
    if limit is not None:
        limits = limits.model_copy(update={"credit": limit})
    answer = credit.may_deliver(account, order or ZERO, today, limits, currency=currency or limits.currency)
    document = {
        "creditor": account.creditor.id,
        "debtor": account.debtor.id,
        "exposure": credit.exposure(account, today),
        "overdue": credit.overdue(account, today),
        "allowed": answer.allowed,
        "explained": answer.explained(lang),
        "answer": answer,
    }
    give(document, say(*_sentences(account, today, answer, lang, asked=order is not None)), machine=machine)
    leave(0 if answer.allowed else NotAllowed.exit_code)


async def _creditor(record: Record, debtor: str) -> str:
    """Finds whose customer is meant; raises NotFound, and InputRefused where several creditors have one."""
    async with record.database.reading() as conn:
        lines = await queries.cases(conn, Filters(debtor=debtor), limit=1000)
    owners = sorted({line.creditor for line in lines})
    if not owners:
        msg = f"no invoice of customer {debtor} is on record; name the creditor too, with --creditor ID"
        raise NotFound(msg)
    if len(owners) > 1:
        remedy = f"several creditors have a customer {debtor}: name one of {', '.join(owners)}"
        raise InputRefused(field="creditor", value=None, remedy=remedy)
    return owners[0]


def _sentences(
    account: Account, today: date, answer: CreditAnswer, language: str, *, asked: bool
) -> Iterator[str]:
    said, limits, debtor = SAID[language], answer.limits, account.debtor
    late = credit.overdue(account, today)

    def money(amounts: Mapping[str, Decimal]) -> str:
        sums = [words.sum_of(one, code, language) for code, one in amounts.items() if one]
        return ", ".join(sums) or said["nothing"]

    owed = money(credit.exposure(account, today))
    yield said["owed"].format(name=debtor.legal_name, id=debtor.id, sum=owed)
    if late.count:
        yield said["overdue"].format(count=late.count, sum=money(late.amounts))
    if limits.credit is not None:
        yield said["limit"].format(sum=words.sum_of(limits.credit, limits.currency, language))
    if limits.unpaid is not None:
        most = words.sum_of(limits.unpaid, limits.currency, language)
        yield said["unpaid_limit"].format(sum=most, days=limits.margin_days)
    if limits.credit is None and limits.unpaid is None:
        yield said["no_limit"]
    if asked or answer.reasons:
        order = words.sum_of(answer.order, answer.currency, language)
        why = "; ".join(answer.explained(language))
        yield said["yes" if answer.allowed else "no"].format(sum=order, why=why)
