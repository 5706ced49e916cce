"""The claim: the last thing written before a message may leave.

In: the compare-and-set from reserved to handing_over.
Not in: reservations (messages.py) and outcomes (outcomes.py), which need the account's lock; this does not.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.messages import State
from ledger.schema import messages


async def begin_hand_over(conn: AsyncConnection, message: str, claim: str, leased_until: datetime) -> bool:
    """Moves a reserved message to handing_over; False where the claim is not, or no longer, this one.

    Commit before the first byte is handed over: after this nothing is ever sent again blindly.
    """
    result = await conn.execute(
        sa.update(messages)
        .where(messages.c.id == message, messages.c.state == State.RESERVED.value, messages.c.claim == claim)
        .values(state=State.HANDING_OVER.value, leased_until=leased_until)
    )
    return result.rowcount == 1
