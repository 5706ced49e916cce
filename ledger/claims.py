"""The claim: the last thing written before a message may leave.

In: the compare-and-set from reserved to handing_over.
Not in: reservations (messages.py) and outcomes (outcomes.py), which open the whole account.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import stopped
from ledger.messages import State
from ledger.schema import debtors, messages


async def begin_hand_over(
    conn: AsyncConnection, message: str, claim: str, leased_until: datetime, *, wall: datetime, revision: int
) -> bool:
    """Moves a reserved message to handing_over; False where it must be judged anew.

    That is so where the claim is not this one any more or its lease has ended at `wall`, where anything
    was written on the account since its `revision`, and where sending is stopped. Commit before the
    first byte is handed over: after this nothing is ever sent again blindly.
    """
    account = sa.and_(debtors.c.creditor == messages.c.creditor, debtors.c.id == messages.c.debtor)
    query = sa.select(debtors.c.creditor, debtors.c.revision).join(messages, account)
    row = (
        await conn.execute(query.where(messages.c.id == message).with_for_update(of=debtors))
    ).one_or_none()
    if row is None or row.revision != revision or await stopped(conn, row.creditor):
        return False
    result = await conn.execute(
        sa.update(messages)
        .where(
            messages.c.id == message,
            messages.c.state == State.RESERVED.value,
            messages.c.claim == claim,
            messages.c.leased_until > wall,
        )
        .values(state=State.HANDING_OVER.value, leased_until=leased_until)
    )
    return result.rowcount == 1
