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
from ledger.schema import journal, policies
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


async def ids(conn: AsyncConnection) -> set[str]:
    """Names the policies that were ever stored, whatever their versions."""
    return set((await conn.execute(sa.select(policies.c.id).distinct())).scalars())


async def versions(conn: AsyncConnection, name: str) -> list[str]:
    """Lists the stored versions of a policy, the newest first; a version names itself. Empty for none."""
    either = (policies.c.id == name) | (policies.c.version == name)
    query = sa.select(policies.c.version).where(either)
    return list(
        (await conn.execute(query.order_by(policies.c.stored_at.desc(), policies.c.version))).scalars()
    )


async def left_behind(conn: AsyncConnection, creditor: str, debtor: str) -> dict[str, list[str]]:
    """Lists the versions that each invoice of an account was moved away from, the latest first."""
    query = (
        sa.select(journal.c.invoice, journal.c.facts)
        .where(
            journal.c.creditor == creditor,
            journal.c.debtor == debtor,
            journal.c.kind == "case.policy_moved",
        )
        .order_by(journal.c.revision.desc())
    )
    found: dict[str, list[str]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.invoice, []).append(row.facts["was"])
    return found


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
