"""Money is summed and compared exactly by the database itself, on both kinds alike."""

from decimal import Decimal

import sqlalchemy as sa

from ledger.columns import Money, in_cents
from ledger.database import Database

AMOUNTS = ("0.00", "0.07", "-0.50", "0.10", "0.20", "1234567.89", "-1234567.90", "99999999999999.99")

tried = sa.Table("tried", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", Money))


async def test_money_reads_as_whole_cents(database: Database) -> None:
    """Each amount, also a negative one and none at all, is an integer of cents; their sum is exact."""
    async with database.writing() as conn:
        await conn.run_sync(tried.create)
        kept = [{"id": at, "x": Decimal(one)} for at, one in enumerate(AMOUNTS)] + [{"id": 99, "x": None}]
        await conn.execute(sa.insert(tried), kept)
        read = (await conn.execute(sa.select(in_cents(tried.c.x)).order_by(tried.c.id))).scalars().all()
        total = (await conn.execute(sa.select(sa.func.sum(in_cents(tried.c.x))))).scalar_one()
        large = sa.select(sa.func.count()).where(in_cents(tried.c.x) >= 10)
        count = (await conn.execute(large)).scalar_one()
    assert read == [0, 7, -50, 10, 20, 123456789, -123456790, 9999999999999999, None]
    assert int(total) == sum(one for one in read if one is not None)
    assert count == 4
