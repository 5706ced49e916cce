"""The journal of the installation as a whole: what administrators do about people, keys and endpoints.

In: appending to it. Not in: stops of sending, which say themselves what they do (switches.py).
"""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import journal

HOUSE = ("", "")


async def note(conn: AsyncConnection, kind: str, author: str, now: datetime, **facts: Any) -> None:
    """Writes down what an author did."""
    revision, previous = await journal.last(conn, *HOUSE)
    await journal.append(
        conn,
        account=HOUSE,
        revision=revision + 1,
        previous=previous,
        at=now,
        kind=kind,
        invoice=None,
        facts=facts | {"author": author},
    )
