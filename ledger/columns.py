"""Column types that mean the same on SQLite and on PostgreSQL.

In: exact money, aware instants; sums of money that stay exact.
Not in: tables (schema.py).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

WRITTEN = "%Y-%m-%dT%H:%M:%S.%f+00:00"


class Money(TypeDecorator[Decimal]):
    """Keeps an amount exactly: NUMERIC where there is one, text on SQLite, whose numbers are binary."""

    impl = sa.Numeric(16, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Chooses the type of the database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(18))
        return dialect.type_descriptor(sa.Numeric(16, 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Writes an amount with its two decimals; raises ValueError for one that has more."""
        if value is None:
            return None
        if value != round(value, 2):
            msg = f"{value} has more than two decimals"
            raise ValueError(msg)
        return f"{value:.2f}" if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Reads an amount."""
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """Keeps an aware instant in UTC: timestamptz, or on SQLite text of fixed width that sorts by time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Chooses the type of the database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(32))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Writes an instant in UTC; raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"{value} has no time zone"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.strftime(WRITTEN) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Reads an instant, in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


class in_cents(FunctionElement[int]):  # noqa: N801 - reads as the function it is
    """Reads a Money column as an integer of hundredths: what may be summed and compared on SQLite too.

    The column must have been written by Money, with two decimals. Decimal(cents).scaleb(-2) is the amount.
    """

    inherit_cache = True
    type = sa.BigInteger()
    name = "in_cents"


@compiles(in_cents)
def _scaled(element: in_cents, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} * 100 AS BIGINT)"


@compiles(in_cents, "sqlite")
def _unpointed(element: in_cents, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(REPLACE({compiler.process(element.clauses, **kw)}, '.', '') AS INTEGER)"


class days_between(FunctionElement[int]):  # noqa: N801 - reads as the function it is
    """Counts the days from the second civil day to the first."""

    inherit_cache = True
    type = sa.Integer()
    name = "days_between"


@compiles(days_between)
def _subtracted(element: days_between, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(day, **kw) for day in element.clauses)
    return f"({later} - {earlier})"


@compiles(days_between, "sqlite")
def _counted(element: days_between, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(day, **kw) for day in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"
