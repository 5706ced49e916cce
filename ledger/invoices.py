"""Invoices and their cases: opened, corrected, given up, moved to another policy.

In: what an invoice's facts change on the account.
Not in: how an event becomes an invoice (intake/), and plans (settling.py).
"""

import sqlalchemy as sa

from domain.account import Case
from domain.actions import Ending
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed
from domain.receivable import Debtor, Invoice
from domain.succession import succession, waits_for_approval
from ledger import commands, tasks
from ledger.accounts import Stored
from ledger.folio import Folio
from ledger.policies import left_behind
from ledger.schema import debtors, invoices
from ledger.writing import insert_once


async def put_debtor(folio: Folio, debtor: Debtor, author: str) -> bool:
    """Replaces what is known of the debtor; False where nothing changes."""
    if debtor == folio.account.debtor:
        return False
    facts = debtor.model_dump(mode="json")
    where = (debtors.c.creditor == folio.creditor) & (debtors.c.id == folio.debtor)
    row = {"name": debtor.legal_name, "facts": facts}
    await folio.conn.execute(sa.update(debtors).where(where).values(row))
    folio.amend(debtor=debtor)
    await folio.log("debtor.revised", debtor=facts, author=author)
    return True


async def open_case(folio: Folio, invoice: Invoice, policy: str, version: int) -> bool:
    """Records a new invoice under a version of a policy; a known one is revised instead."""
    if folio.has_case(invoice.number):
        return await revise_invoice(folio, invoice, version)
    await folio.learn(policy)
    row = _columns(invoice) | {
        "creditor": folio.creditor,
        "number": invoice.number,
        "debtor": folio.debtor,
        "version": version,
        "policy": policy,
        "approved": [],
        "opened_at": folio.now,
        "open": invoice.total,
        "net": invoice.total,
        "revision": folio.account.revision + 1,
    }
    if not await insert_once(folio.conn, invoices, row):
        raise InputRefused(
            field="number",
            value=invoice.number,
            remedy="this invoice is on another debtor's account; correct the debtor or the number",
        )
    cases = (*folio.account.cases, Case(invoice=invoice, policy=policy))
    folio.amend(cases=tuple(sorted(cases, key=lambda case: case.invoice.number)))
    folio.stored[invoice.number] = Stored(None, invoice.total, invoice.total, version)
    await folio.log(
        "invoice.opened",
        invoice.number,
        version=version,
        policy=policy,
        stated=invoice.model_dump(mode="json"),
    )
    return True


def _columns(invoice: Invoice) -> dict[str, object]:
    return {
        "document": invoice.of_document,
        "issue_date": invoice.issue_date,
        "due_date": invoice.due_date,
        "currency": invoice.currency,
        "total": invoice.total,
        "facts": invoice.model_dump(mode="json"),
    }


LATER = ("pdf", "reference", "order_reference", "delivery_reference", "delivered_on")
"""What may become known after an invoice: its document, its references, its delivery.

A document that leaves it out, such as the MINIMUM profile of an e-invoice, contradicts nothing.
"""


def _completed(known: Invoice, stated: Invoice) -> Invoice | None:
    """Gives an invoice with what was not known before; None where the two contradict each other."""
    both = known.model_copy(update={name: getattr(known, name) or getattr(stated, name) for name in LATER})
    same = stated.model_copy(update={name: getattr(stated, name) or getattr(both, name) for name in LATER})
    return both if same == both else None


def _differing(known: Invoice, stated: Invoice) -> str:
    """Says which facts differ, by their fields."""
    before, after = known.model_dump(mode="json"), stated.model_dump(mode="json")
    fields = [
        name
        for name in before
        if before[name] != after[name] and (name not in LATER or None not in {before[name], after[name]})
    ]
    return ", ".join(f"{name} {before[name]}, now {after[name]}" for name in fields)


async def revise_invoice(folio: Folio, invoice: Invoice, version: int) -> bool:
    """Replaces an invoice's facts by a later version's; False where nothing changes."""
    known = folio.case(invoice.number).invoice
    stored = folio.stored[invoice.number]
    if version < stored.version:
        return False
    if version == stored.version:
        completed = _completed(known, invoice)
        if completed == known:
            return False
        if completed is None:
            raise InputRefused(
                field="version",
                value=version,
                remedy=f"{invoice.number} is known with other facts ({_differing(known, invoice)}); "
                f"send a correction as version {version + 1}",
            )
        invoice = completed
    if invoice.currency != known.currency:
        raise InputRefused(
            field="currency",
            value=invoice.currency,
            remedy=f"{invoice.number} is in {known.currency}; cancel it by a credit note and send a new one",
        )
    await folio.write_case(invoice.number, _columns(invoice) | {"version": version})
    folio.amend_case(invoice.number, invoice=invoice)
    folio.stored[invoice.number] = stored._replace(version=version)
    await folio.log(
        "invoice.revised",
        invoice.number,
        version=version,
        stated=invoice.model_dump(mode="json"),
        was=known.model_dump(mode="json"),
    )
    return True


async def write_off(folio: Folio, number: str, *, written_off: bool, reason: str) -> bool:
    """Gives an invoice up, or takes that back; False where it is so already."""
    case = folio.case(number)
    if (case.ending is Ending.WRITTEN_OFF) is written_off:
        return False
    if written_off:
        await folio.write_case(
            number, {"ending": Ending.WRITTEN_OFF.value, "closed_at": folio.now, "hurried": None}
        )
        folio.amend_case(number, ending=Ending.WRITTEN_OFF, hurried=None)
        owed = folio.account.balance(number).open
        await folio.log("invoice.written_off", number, reason=reason, open=f"{owed:.2f}")
        await tasks.close_kinds(folio, number, tasks.ABOUT_OPEN, "the invoice was written off")
    else:
        # An ending that settling takes back by itself while money is owed: it reopens the case and its run.
        ending = Ending.CREDITED if folio.account.balance(number).paid == ZERO else Ending.PAID
        folio.amend_case(number, ending=ending)
        await folio.write_case(number, {"ending": ending.value})
        await folio.log("invoice.reinstated", number, reason=reason)
    return True


async def move_policy(folio: Folio, number: str, version: str, author: str) -> bool:
    """Moves a case to another version of a policy; False where it follows it already.

    What was said under the old one stays said (domain/succession.py). Raises NotFound for a version never
    stored, NotAllowed where the case must stay for now.
    """
    case = folio.case(number)
    if case.policy == version:
        return False
    left = (await left_behind(folio.conn, folio.creditor, folio.debtor)).get(number, [])
    followed = [await folio.learn(one) for one in (case.policy, *left)]
    how = succession(case, followed, await folio.learn(version))
    if how.obstacle is not None:
        msg = f"invoice {number} stays under {case.policy}: {how.obstacle}"
        raise NotAllowed(msg)
    await folio.write_case(
        number, {"policy": version, "approved": list(how.approved), "hurried": how.hurried}
    )
    folio.amend_case(number, policy=version, approved=how.approved, hurried=how.hurried)
    dropped = {"dropped": list(how.dropped)} if how.dropped else {}
    await folio.log("case.policy_moved", number, policy=version, was=case.policy, author=author, **dropped)
    if waits_for_approval(case):
        # The step that waited may not exist any more; the new policy asks again where it must.
        await commands.unblock(folio, number)
        asked = case.blocked.reference if case.blocked is not None else None
        key = commands.approval_key(folio.creditor, number, asked or "", case.cycle)
        await tasks.close_if_open(folio, key, "the policy was changed", author)
    if how.passed is not None:
        await commands.write_steps(folio, {number: how.passed})
        reason = f"{how.said_as} under {case.policy} has said it"
        await folio.log(
            "step.skipped", number, step=how.passed.step, cycle=case.cycle, reason=reason, author=author
        )
    return True
