"""Agreements on record: made, approved, ended; what becomes of them noted when it is noticed.

In: disputes, promises, plans and settlements of one account, their entries of the journal, their tasks.
Not in: whether one can be made (domain/concluding.py), how it stands (domain/standing.py), looking them up
    (agreement_queries.py).

The column `standing` decides nothing: it remembers what was noted last, so that each change is noted once.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from domain.actions import Rule
from domain.agreements import (
    DECIDED_WITHIN,
    Agreement,
    Dispute,
    Hold,
    HoldScope,
    HowEnded,
    InstalmentPlan,
    PromiseToPay,
)
from domain.concluding import UNDER_WAY, UNKEPT, came, concluded
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.gate import needs_approval
from domain.standing import Standing
from ledger import commands, tasks
from ledger.agreement_queries import OF_ITS_OWN
from ledger.folio import Folio
from ledger.schema import agreements
from ledger.writing import insert_once

DECIDED_HERE = {"owed", "needs_approval", "approved", "ended_on", "ended_how"}
"""What the record adds to what was agreed."""

NOTED = {
    Standing.RUNNING: "agreement.running",
    Standing.KEPT: "agreement.kept",
    Standing.PARTLY: "agreement.partly",
    Standing.BROKEN: "agreement.broken",
    Standing.EXPIRED: "agreement.expired",
}
"""How the journal notes a standing; people bring the others about, which has an entry of its own."""

KINDS = ("dispute", "dispute-expired", "approve-agreement", "broken-promise")
"""The tasks that agreements give to people."""

CREDITED_WITHIN = timedelta(days=7)
"""How long nobody is asked for an invoice of which a credit note has been promised."""


async def put(folio: Folio, agreement: Agreement, author: str) -> bool:
    """Records an agreement, once by its id; False for one known with the same facts."""
    known = next((one for one in folio.account.agreements if one.id == agreement.id), None)
    if known is not None:
        if known.model_dump(exclude=DECIDED_HERE) == agreement.model_dump(exclude=DECIDED_HERE):
            return False
        raise InputRefused(
            field="id",
            value=agreement.id,
            remedy="this agreement is known with other facts; end it, and give the new one an id of its own",
        )
    for number in agreement.invoices:
        folio.case(number)
    made = concluded(folio.account, agreement, folio.today)
    began = Standing.PENDING if made.needs_approval else Standing.RUNNING
    facts = made.model_dump(mode="json", exclude=OF_ITS_OWN)
    row = {
        "creditor": folio.creditor,
        "id": made.id,
        "debtor": folio.debtor,
        "kind": made.kind,
        "facts": facts,
        "standing": began.value,
        "approved": False,
    }
    if not await insert_once(folio.conn, agreements, row):
        raise InputRefused(
            field="id",
            value=made.id,
            remedy="this id is taken by an agreement of another customer; choose a new one",
        )
    folio.amend(agreements=tuple(sorted((*folio.account.agreements, made), key=lambda one: one.id)))
    await _log(folio, "agreement.made", made, agreement=facts, author=author)
    for kind, due_on in _asked(folio, made, began).items():
        await _ask(folio, made, kind, due_on)
    return True


async def approve(folio: Folio, name: str, author: str) -> bool:
    """Lets an agreement take effect that waits for a person; False where it is approved."""
    agreement = _find(folio, name)
    if not agreement.needs_approval:
        msg = f"agreement {name} needs no approval: it is in effect since {agreement.made_on}"
        raise NotAllowed(msg)
    if agreement.ended_on is not None:
        msg = f"agreement {name} was ended on {agreement.ended_on}; make a new one"
        raise NotAllowed(msg)
    if agreement.approved:
        return False
    approved = agreement.model_copy(update={"approved": True})
    if folio.account.standing(approved, folio.today) in UNKEPT:
        msg = f"agreement {name} would be broken at once: its day has passed; end it and make a new one"
        raise NotAllowed(msg)
    await _write(folio, name, approved=True)
    _amend(folio, approved)
    await _log(folio, "agreement.approved", approved, agreement=name, author=author)
    return True


async def end(folio: Folio, name: str, how: HowEnded, reason: str, author: str) -> bool:
    """Ends an agreement today, before its time; False where it was ended so.

    An upheld dispute asks for a credit note and holds its invoice until it comes, for a week at most.
    """
    agreement = _find(folio, name)
    if agreement.ended_on is not None:
        if agreement.ended_how is how:
            return False
        msg = f"agreement {name} was ended on {agreement.ended_on} ({agreement.ended_how})"
        raise NotAllowed(msg)
    standing = folio.account.standing(agreement, folio.today)
    if standing not in UNDER_WAY | {Standing.EXPIRED}:
        msg = f"agreement {name} is over ({standing.value}): there is nothing to end"
        raise NotAllowed(msg)
    _check_how(agreement, how)
    ended = agreement.model_copy(update={"ended_on": folio.today, "ended_how": how})
    await _write(folio, name, ended_on=folio.today, ended_how=how.value)
    _amend(folio, ended)
    more = {"agreement": name, "how": how.value, "reason": reason, "author": author}
    await _log(folio, "agreement.ended", ended, **more)
    for number in ended.invoices:
        await _go_on(folio, number, author)
    if how is HowEnded.UPHELD:
        await _owe_credit(folio, ended, author)
    return True


async def _go_on(folio: Folio, number: str, author: str) -> None:
    """Lets a case go on that waited for a step's approval only because its invoice was contested."""
    case = folio.case(number)
    if case.ending is not None or case.blocked is None or case.blocked.rule is not Rule.APPROVAL:
        return
    steps = (one for one in folio.policies[case.policy].steps if one.key == case.blocked.reference)
    if any(not needs_approval(folio.account, number, step) for step in steps):
        key = commands.approval_key(folio.creditor, number, case.blocked.reference or "", case.cycle)
        await tasks.close_if_open(folio, key, "the dispute was answered", author)
        await commands.unblock(folio, number)


def _check_how(agreement: Agreement, how: HowEnded) -> None:
    undecided = agreement.needs_approval and not agreement.approved
    fits = {
        HowEnded.WITHDRAWN: True,
        HowEnded.UPHELD: isinstance(agreement, Dispute),
        HowEnded.REJECTED: isinstance(agreement, Dispute) or undecided,
    }
    if not fits[how]:
        raise InputRefused(
            field="how",
            value=how.value,
            remedy=f"a {agreement.kind} in effect is withdrawn; only a dispute is upheld or rejected",
        )


def _find(folio: Folio, name: str) -> Agreement:
    for agreement in folio.account.agreements:
        if agreement.id == name:
            return agreement
    msg = f"no agreement {name!r} on the account of debtor {folio.debtor!r}"
    raise NotFound(msg)


def _amend(folio: Folio, agreement: Agreement) -> None:
    folio.amend(
        agreements=tuple(agreement if one.id == agreement.id else one for one in folio.account.agreements)
    )


async def _write(folio: Folio, name: str, **values: Any) -> None:
    where = (agreements.c.creditor == folio.creditor, agreements.c.id == name)
    await folio.conn.execute(sa.update(agreements).where(*where).values(values))


async def _log(folio: Folio, kind: str, about: Agreement, **facts: Any) -> None:
    numbers = about.invoices
    await folio.log(
        kind,
        numbers[0] if len(numbers) == 1 else None,
        agreement_kind=about.kind,
        invoices=list(numbers),
        **facts,
    )


# What becomes of agreements


async def keep_up(folio: Folio) -> None:
    """Notes every standing that has changed since it was noted last, and asks people what follows from it."""
    if not folio.account.agreements:
        return
    of = (agreements.c.creditor == folio.creditor, agreements.c.debtor == folio.debtor)
    rows = await folio.conn.execute(sa.select(agreements.c.id, agreements.c.standing).where(*of))
    noted: Mapping[str, str] = {row.id: row.standing for row in rows}
    for agreement in folio.account.agreements:
        before, now = Standing(noted[agreement.id]), folio.account.standing(agreement, folio.today)
        if now is not before:
            await _note(folio, agreement, before, now)
        asked = _asked(folio, agreement, now)
        if now is not before:
            for kind in asked.keys() - _asked(folio, agreement, before).keys():
                await _ask(folio, agreement, kind, asked[kind])
        if now is not before or not _open(folio, agreement):
            for kind in KINDS:
                if kind not in asked:
                    await tasks.close_if_open(
                        folio, _key(folio, agreement, kind), "no longer needed", "relance"
                    )


async def _note(folio: Folio, agreement: Agreement, before: Standing, now: Standing) -> None:
    await _write(folio, agreement.id, standing=now.value)
    by_people = now is Standing.RUNNING and before in {Standing.PENDING, Standing.EXPIRED}
    if now in NOTED and not by_people:
        more = {"agreement": agreement.id, "was": before.value}
        if not isinstance(agreement, Dispute):
            more["came"] = f"{came(folio.account, agreement, folio.today):.2f}"
        await _log(folio, NOTED[now], agreement, **more)


def _open(folio: Folio, agreement: Agreement) -> bool:
    """Tells whether a case is open that the agreement is about."""
    return any(folio.case(number).ending is None for number in agreement.invoices)


def _asked(folio: Folio, agreement: Agreement, standing: Standing) -> dict[str, date]:
    """Lists what people are asked about an agreement as it stands, and by when."""
    asked: dict[str, date] = {}
    if agreement.ended_on is not None:
        return asked
    undecided = agreement.needs_approval and not agreement.approved
    if undecided and _open(folio, agreement):
        asked["approve-agreement"] = agreement.made_on + DECIDED_WITHIN
    if isinstance(agreement, Dispute):
        asked["dispute"] = agreement.until
        if standing is Standing.EXPIRED and not undecided:
            asked["dispute-expired"] = folio.today
    elif isinstance(agreement, PromiseToPay | InstalmentPlan) and standing in UNKEPT:
        asked |= {"broken-promise": folio.today} if _open(folio, agreement) else {}
    return asked


def _key(folio: Folio, agreement: Agreement, kind: str) -> str:
    return f"{kind}:{folio.creditor}:{agreement.id}"


async def _ask(folio: Folio, agreement: Agreement, kind: str, due_on: date) -> None:
    detail: dict[str, Any] = {"agreement": agreement.id, "kind": agreement.kind}
    if isinstance(agreement, Dispute):
        detail |= {"reason": agreement.reason.value} | ({"owner": agreement.owner} if agreement.owner else {})
    await tasks.ask_again(folio, kind, _key(folio, agreement, kind), agreement.invoices[0], due_on, detail)


# Disputes that were upheld


def _upheld_hold(folio: Folio, agreement: Agreement) -> str:
    return str(uuid5(NAMESPACE_URL, f"relance:upheld:{folio.creditor}:{agreement.id}"))


async def _owe_credit(folio: Folio, agreement: Agreement, author: str) -> None:
    """Asks for the credit note; what was contested rightly is not asked for meanwhile."""
    (number,) = agreement.invoices
    await _ask(folio, agreement, "credit-note", folio.today)
    if folio.case(number).ending is None:
        hold = Hold(
            id=_upheld_hold(folio, agreement),
            scope=HoldScope.INVOICE,
            invoice=number,
            starts_on=folio.today,
            until=folio.today + CREDITED_WITHIN,
            reason="a credit note is to be issued",
        )
        await commands.place_hold(folio, hold, author)


async def credited(folio: Folio, number: str) -> None:
    """Takes back what an upheld dispute asked for: the credit note of its invoice has come."""
    for agreement in folio.account.agreements:
        if agreement.ended_how is HowEnded.UPHELD and number in agreement.invoices:
            key = _key(folio, agreement, "credit-note")
            await tasks.close_if_open(folio, key, "the credit note is recorded", "relance")
            if any(hold.id == _upheld_hold(folio, agreement) for hold in folio.account.holds):
                await commands.lift_hold(folio, _upheld_hold(folio, agreement), "relance")
