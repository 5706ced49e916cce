"""The troubles: cases that fail for a reason of their own, kept until they go on.

In: noting a failed attempt, forgetting it, listing and counting what is left.
Not in: what counts as a case's own fault (activities/trouble.py), and faults of the database (trouble.py).
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import CaseRef
from domain.fact import Fact, Instant
from ledger.schema import troubles
from ledger.writing import insert_once

LONGEST_DETAIL = 2000
LONGEST_NAME = 140
LONGEST_STEP = 40


class Trouble(Fact):
    """States what a case was doing when it failed, with what fault, how often, and since when.

    `detail` may name people: it stays in the record, and out of logs and histories.
    """

    creditor: str
    number: str
    doing: str
    step: str | None
    fault: str
    detail: str
    attempts: int
    first_at: Instant
    last_at: Instant

    @property
    def case(self) -> CaseRef:
        """Names the case."""
        return CaseRef(creditor=self.creditor, number=self.number)


async def note(
    conn: AsyncConnection,
    case: CaseRef,
    *,
    doing: str,
    step: str | None,
    fault: str,
    detail: str,
    attempts: int,
    now: datetime,
) -> None:
    """Notes the latest failed attempt of a case; since when it fails stays as it is."""
    latest = {
        "doing": doing[:LONGEST_NAME],
        "step": step[:LONGEST_STEP] if step is not None else None,
        "fault": fault[:LONGEST_NAME],
        "detail": detail[:LONGEST_DETAIL],
        "attempts": attempts,
        "last_at": now,
    }
    changed = await conn.execute(sa.update(troubles).where(*_of(case)).values(latest))
    if not changed.rowcount:
        key = {"creditor": case.creditor, "number": case.number, "first_at": now}
        await insert_once(conn, troubles, key | latest)


async def find(conn: AsyncConnection, case: CaseRef) -> Trouble | None:
    """Finds the trouble of a case; None where it has none."""
    row = (await conn.execute(sa.select(troubles).where(*_of(case)))).one_or_none()
    return None if row is None else Trouble.model_validate(row._asdict())


async def forget(conn: AsyncConnection, case: CaseRef, *, unless_after: datetime | None = None) -> bool:
    """Forgets the trouble of a case, unless it failed again after an instant; False where nothing is gone."""
    query = sa.delete(troubles).where(*_of(case))
    if unless_after is not None:
        query = query.where(troubles.c.last_at <= unless_after)
    return bool((await conn.execute(query)).rowcount)


async def listed(conn: AsyncConnection, limit: int = 200) -> list[Trouble]:
    """Lists the cases in trouble, the longest first."""
    query = sa.select(troubles).order_by(troubles.c.first_at, troubles.c.creditor, troubles.c.number)
    return [Trouble.model_validate(row._asdict()) for row in await conn.execute(query.limit(limit))]


def _of(case: CaseRef) -> tuple[sa.ColumnElement[bool], ...]:
    return troubles.c.creditor == case.creditor, troubles.c.number == case.number
