"""The policies that cases were started with, kept by version for as long as the record lasts.

In: storing and reading a policy's content.
Not in: TOML files (config/), and which policy an invoice gets (intake/).
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faults import NotFound
from domain.policy import DunningPolicy
from ledger.schema import policies
from ledger.writing import insert_once


async def store(conn: AsyncConnection, policy: DunningPolicy, at: datetime) -> str:
    """Stores a policy, once by its version, and returns the version."""
    row = {
        "version": policy.version,
        "id": policy.id,
        "source": policy.model_dump(mode="json"),
        "stored_at": at,
    }
    await insert_once(conn, policies, row)
    return policy.version


class Shelf:
    """Reads stored policies and keeps them: a version names one content for ever."""

    def __init__(self) -> None:
        """Begins empty."""
        self._known: dict[str, DunningPolicy] = {}

    async def get(self, conn: AsyncConnection, version: str) -> DunningPolicy:
        """Finds a policy by its version; raises NotFound for one that was never stored."""
        return (await self.get_all(conn, (version,)))[version]

    async def get_all(self, conn: AsyncConnection, versions: Iterable[str]) -> dict[str, DunningPolicy]:
        """Finds several policies by their versions; raises NotFound where one was never stored."""
        wanted = set(versions)
        missing = wanted - self._known.keys()
        if missing:
            rows = await conn.execute(
                sa.select(policies.c.version, policies.c.source).where(policies.c.version.in_(missing))
            )
            self._known |= {row.version: DunningPolicy.model_validate(row.source) for row in rows}
        for version in sorted(wanted - self._known.keys()):
            msg = f"the policy {version!r} was never stored"
            raise NotFound(msg)
        return {version: self._known[version] for version in wanted}
