"""The claim: the last thing written before a message may leave.

In: the compare-and-set from reserved to handing_over.
Not in: reservations (messages.py) and outcomes (outcomes.py), which open the whole account.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.policy import Channel
from ledger import switches
from ledger.columns import Moment
from ledger.messages import State
from ledger.schema import creditors, debtors, invoices, messages

_CLAIMED = (
    sa.select(
        debtors.c.creditor,
        debtors.c.revision,
        messages.c.channel,
        messages.c.invoices,
        messages.c.attempts,
        creditors.c.journal_head,
    )
    .join(messages, sa.and_(debtors.c.creditor == messages.c.creditor, debtors.c.id == messages.c.debtor))
    .join(creditors, creditors.c.id == debtors.c.creditor)
    .where(messages.c.id == sa.bindparam("of_message"))
    .with_for_update(of=debtors)
)
_BEGIN = sa.update(messages).where(
    messages.c.id == sa.bindparam("of_message"),
    messages.c.state == State.RESERVED.value,
    messages.c.claim == sa.bindparam("of_claim"),
    messages.c.leased_until > sa.bindparam("of_wall", type_=Moment),
)


async def begin_hand_over(
    conn: AsyncConnection,
    message: str,
    claim: str,
    leased_until: datetime,
    *,
    wall: datetime,
    revision: int,
    owner_head: str | None = None,
) -> int | None:
    """Moves a reserved message to handing_over and counts its attempts; None where it must be judged anew.

    That is so where the claim is not this one any more or its lease has ended at `wall`, where anything
    was written on the account since its `revision` or on the creditor's journal since its `owner_head`,
    and where sending is stopped. Commit before the first byte is handed over: after this nothing is ever
    sent again blindly.
    """
    row = (await conn.execute(_CLAIMED, {"of_message": message})).one_or_none()
    if row is None or row.revision != revision or owner_head not in {None, row.journal_head}:
        return None
    if await _stopped(conn, row):
        return None
    changed = {"state": State.HANDING_OVER.value, "leased_until": leased_until}
    of = {"of_message": message, "of_claim": claim, "of_wall": wall}
    result = await conn.execute(_BEGIN, of | changed)
    return row.attempts if result.rowcount == 1 else None


async def _stopped(conn: AsyncConnection, row: Any) -> bool:
    """Tells whether a message may not leave any more, by what is stopped now."""
    stops = await switches.stopped(conn, row.creditor)
    if not stops:
        return False
    spoken_for = (invoices.c.creditor == row.creditor, invoices.c.number.in_(row.invoices))
    versions = (await conn.execute(sa.select(invoices.c.policy).where(*spoken_for))).scalars()
    return switches.covers(stops, (version.partition("@")[0] for version in versions), Channel(row.channel))
