"""What follows from the facts: each case planned anew, closed or reopened, and its run told.

In: the one mechanism that runs after any fact.
Not in: the rules of planning (domain/schedule.py), and the delivery of errands (outbox.py).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from domain.account import Case
from domain.actions import Ending, NextAction, Rule
from domain.fact import ZERO
from domain.gate import needs_approval
from domain.schedule import next_action
from ledger import agreements, commands, outbox, tasks
from ledger.accounts import Stored
from ledger.bank_accounts import missing_file
from ledger.folio import Folio
from ledger.schema import invoices

_WRITE = sa.update(invoices).where(
    invoices.c.creditor == sa.bindparam("of_creditor"), invoices.c.number == sa.bindparam("of")
)

QUESTIONS = {
    Rule.ALLOCATE: "allocate",
    Rule.UNREACHABLE: "unreachable",
    Rule.STALE: "payments",
    Rule.REJECTED: "rejected",
    Rule.FACTORED: "factored",
}
"""The tasks behind waits that only people can end; approval and ambiguous messages bring their own."""

LASTING = frozenset({Rule.REJECTED, Rule.FACTORED})
"""The rules that money and its return do not lift."""


def recall_key(creditor: str, number: str, cycle: int) -> str:
    """Gives the key of the task that calls a handed-over case back."""
    return f"recall:{creditor}:{number}:{cycle}"


async def settle(folio: Folio, *, wake: bool, quiet: frozenset[str]) -> dict[str, NextAction]:
    """Plans every case anew and returns the plans that changed, by number."""
    await _drop_needless_approvals(folio)
    # Opening and closing decide which invoices count for the others, so they come before any plan.
    rules = _Rules(folio)
    reopened = {case.invoice.number for case in folio.account.cases if await _turn(folio, case, rules)}
    await agreements.keep_up(folio)
    changed: dict[str, NextAction] = {}
    errands: list[tuple[str, str, NextAction]] = []
    plans: list[dict[str, Any]] = []
    balances: list[dict[str, Any]] = []
    before = {number: stored.next for number, stored in folio.stored.items()}
    for case in folio.account.cases:
        number = case.invoice.number
        stored = folio.stored[number]
        plan = _planned(folio, case, rules)
        open_, net = _balance(folio, number)
        if plan != stored.next:
            changed[number] = plan
            plans.append({"of": number, "revision": folio.account.revision} | _columns(plan))
            kind = "start" if stored.next is None or number in reopened else "wake"
            born_closed = stored.next is None and plan.closes
            if wake and number not in quiet and not born_closed:
                errands.append((number, kind, plan))
        if (open_, net) != (stored.open, stored.net):
            balances.append({"of": number, "open": open_, "net": net})
        folio.stored[number] = Stored(plan, open_, net, stored.version)
    await _ask_people(folio, before, changed)
    if errands and folio.account.revision == folio.opened_at:
        # A fact of the creditor as a whole left no entry here, and runs keep the highest revision only.
        await folio.log("account.replanned", invoices=[number for number, _, _ in errands])
    for rows in (plans, balances):
        await _write(folio, rows)
    await outbox.write(folio.conn, folio.creditor, folio.account.revision, errands, folio.now)
    return changed


class _Rules:
    """Says what comes next for a case: asked once for each, while the account stays as it is."""

    def __init__(self, folio: Folio) -> None:
        self._folio = folio
        self._account = folio.account
        self._said: dict[str, NextAction] = {}

    def next(self, case: Case) -> NextAction:
        folio, number = self._folio, case.invoice.number
        if self._account is not folio.account:
            self._account, self._said = folio.account, {}
        if number not in self._said:
            policy = folio.policies[case.policy]
            self._said[number] = next_action(folio.account, number, policy, folio.now)
        return self._said[number]


async def _drop_needless_approvals(folio: Folio) -> None:
    """Lets cases go on that wait for the approval of a step which needs none any more.

    A grave step waits while its invoice is contested; once the dispute is answered it waits no longer.
    """
    for case in folio.account.cases:
        blocked = case.blocked
        if case.ending is not None or blocked is None or blocked.rule is not Rule.APPROVAL:
            continue
        number, step = case.invoice.number, blocked.reference
        known = {one.key: one for one in folio.policies[case.policy].steps}
        if step in known and not needs_approval(folio.account, number, known[step]):
            await commands.unblock(folio, number)
            key = commands.approval_key(folio.creditor, number, step, case.cycle)
            await tasks.close_if_open(folio, key, "no longer needed", "relance")


async def _write(folio: Folio, rows: list[dict[str, Any]]) -> None:
    """Updates many cases at once; every row has the same columns, and its number as `of`."""
    if rows:
        await folio.conn.execute(_WRITE, [row | {"of_creditor": folio.creditor} for row in rows])


async def _ask_people(
    folio: Folio, before: Mapping[str, NextAction | None], changed: Mapping[str, NextAction]
) -> None:
    """Gives people the questions that cases now wait for, and takes back those that no case waits for."""
    if not changed:
        return
    standing = {_question(folio, number, stored.next) for number, stored in folio.stored.items()}
    for number, plan in changed.items():
        answered, asked = _question(folio, number, before[number]), _question(folio, number, plan)
        if answered is not None and answered not in standing:
            await tasks.close_if_open(folio, answered[1], "no longer needed", "relance")
        if asked is not None and asked != answered:
            detail = missing_file(folio.account, folio.now) if asked[0] == "payments" else {}
            await tasks.ask_again(folio, *asked, number, folio.today, detail)


def _question(folio: Folio, number: str, action: NextAction | None) -> tuple[str, str] | None:
    """Gives the kind and the key of the task behind a wait; payments are asked for once an account."""
    kind = QUESTIONS.get(action.because.rule) if action is not None and action.kind == "wait" else None
    if kind is None:
        return None
    about = folio.debtor if kind == "payments" else number
    return kind, f"{kind}:{folio.creditor}:{about}"


async def _turn(folio: Folio, case: Case, rules: _Rules) -> bool:
    """Closes a case that is over or reopens one that is not any more; True where it was reopened."""
    number = case.invoice.number
    action = rules.next(case)
    if action.closes:
        if action.ending is not case.ending:
            await _close(folio, case, action)
        return False
    if case.ending is None or not _may_reopen(case, action):
        return False
    kept = case.blocked if case.blocked is not None and case.blocked.rule in LASTING else None
    facts = kept.model_dump(mode="json", exclude_none=True) if kept is not None else None
    await folio.write_case(number, {"ending": None, "closed_at": None, "blocked": facts})
    folio.amend_case(number, ending=None, blocked=kept)
    await folio.log(
        "case.reopened", number, was=case.ending.value, because=action.because.model_dump(mode="json")
    )
    return True


def _may_reopen(case: Case, action: NextAction) -> bool:
    """Tells whether an ended case starts again; an exhausted one only when its ladder has a new step."""
    return case.ending is not Ending.EXHAUSTED or action.step is not None


async def _close(folio: Folio, case: Case, action: NextAction) -> None:
    number = case.invoice.number
    assert action.ending is not None
    await folio.write_case(number, {"ending": action.ending.value, "closed_at": folio.now, "hurried": None})
    folio.amend_case(number, ending=action.ending, hurried=None)
    because = action.because.model_dump(mode="json", exclude_none=True)
    was = case.ending.value if case.ending else None
    await folio.log("case.closed", number, ending=action.ending.value, because=because, was=was)
    await tasks.close_kinds(folio, number, tasks.ABOUT_OPEN, f"the case is closed: {action.ending.value}")
    if case.ending is Ending.HANDED_OFF:
        key = recall_key(folio.creditor, number, case.cycle)
        await tasks.open_task(folio, "recall", key, number, folio.today, {})
    if action.ending is Ending.EXHAUSTED:
        key = f"exhausted:{folio.creditor}:{number}:{case.cycle}"
        await tasks.open_task(folio, "exhausted", key, number, folio.today, {})


def _planned(folio: Folio, case: Case, rules: _Rules) -> NextAction:
    stored = folio.stored[case.invoice.number].next
    if case.ending is not None and stored is not None and stored.ending is case.ending:
        return stored
    return rules.next(case)


def _balance(folio: Folio, number: str) -> tuple[Decimal, Decimal]:
    balance = folio.account.balance(number)
    return balance.open, max(ZERO, balance.net)


def _columns(plan: NextAction) -> dict[str, Any]:
    return {
        "next": plan.model_dump(mode="json", exclude_none=True),
        "next_kind": plan.kind,
        "next_step": plan.step,
        "next_at": plan.at,
        "next_rule": plan.because.rule.value,
    }
