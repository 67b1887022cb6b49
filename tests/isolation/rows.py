"""A valid row for any table, made from its columns, keys and checks: a new table is covered by itself.

Rows are written by the administrator, past every lock, because they are what the locks are tried on.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy import types as kinds

from config.extensions import Base
from tenants.ids import new_id

# What no rule can guess: column values, by table, as a function of nothing.
OVERRIDES: dict[str, dict[str, Any]] = {
    "tenants": {"slug": lambda: f"r{uuid.uuid4().hex[:12]}", "zone": "Europe/London", "locale": "en_GB"},
    "tenant_hosts": {"host": lambda: f"{uuid.uuid4().hex[:12]}.example"},
    "tier_levels": {"rank": 0, "from_minor": 0},
    "tier_changes": {"from_rank": 0, "to_rank": 1},
    # Documents that pages read must be ones.
    "rule_versions": {
        "document": {"points": "1", "step": None, "rounding": "order", "months": 12, "round_up": "month"}
    },
    "imports": {"kind": "purchases"},
}
_NUMBERS = itertools.count(1)
_ONE_OF = re.compile(r"^\(?(\w+) IN \((.+)\)\)?$")


def import_models() -> None:
    """Make Base.metadata know every table."""
    from migrations.models import import_all_models

    import_all_models()


def tenant_tables() -> list[Table]:
    """Every table of tenants, parents first."""
    import_models()
    return [
        table for table in Base.metadata.sorted_tables if "tenant_id" in table.c and "tenant_id" in table.primary_key
    ]


def tenant_references(table: Table) -> Iterator[ForeignKeyConstraint]:
    """The foreign keys to other tables of tenants."""
    for constraint in table.foreign_key_constraints:
        if "tenant_id" in constraint.referred_table.primary_key:
            yield constraint


class Rows:
    """Makes rows for one tenant (and, in tables with a partner, one partner), parents first and once."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self.connection = connection
        self.tenant_id = tenant_id
        self.made: dict[str, dict[str, Any]] = {}

    def parent(self, table: Table) -> dict[str, Any]:
        """The row others refer to."""
        if table.name not in self.made:
            self.made[table.name] = self.make(table)
        return self.made[table.name]

    def make(self, table: Table, **given: Any) -> dict[str, Any]:
        """Write a fresh row and return it."""
        values = self.values(table, **given)
        row = self.connection.execute(table.insert().values(values).returning(*table.c)).mappings().one()
        return dict(row)

    def values(self, table: Table, **given: Any) -> dict[str, Any]:
        """Values that the table takes, with references to rows of this tenant."""
        values: dict[str, Any] = {"tenant_id": self.tenant_id} if "tenant_id" in table.c else {}
        if table.name == "tenants":
            values = {"id": self.tenant_id}
        choices = dict(_choices(table))
        for column in table.c:
            if column.name not in values and self._needed(column):
                values[column.name] = choices.get(column.name) or _value(column, in_unique=_in_unique(column))
        for constraint in table.foreign_key_constraints:
            self._refer(constraint, values)
        for name, value in OVERRIDES.get(table.name, {}).items():
            values[name] = value() if callable(value) else value
        return values | given

    def _needed(self, column: Column[Any]) -> bool:
        return not column.nullable and (column.server_default is None or _in_unique(column))

    def _refer(self, constraint: ForeignKeyConstraint, values: dict[str, Any]) -> None:
        own = [column.name for column in constraint.columns if column.name != "tenant_id"]
        if not any(name in values for name in own) or constraint.referred_table is constraint.table:
            return
        if constraint.referred_table.name == "tenants":
            return
        parent = self.parent(constraint.referred_table)
        for element in constraint.elements:
            if element.parent.name != "tenant_id":
                values[element.parent.name] = parent[element.column.name]


def _in_unique(column: Column[Any]) -> bool:
    rules = [rule for rule in column.table.constraints if isinstance(rule, UniqueConstraint | PrimaryKeyConstraint)]
    return any(column.name in rule.columns for rule in rules)


def _choices(table: Table) -> Iterator[tuple[str, Any]]:
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = _ONE_OF.match(str(constraint.sqltext))
            if found:
                yield found[1], found[2].split(",")[0].strip().strip("'")


def _value(column: Column[Any], *, in_unique: bool) -> Any:
    kind = column.type
    text = f"x{uuid.uuid4().hex[:10]}"
    by_kind: list[tuple[type, Any]] = [
        (kinds.Uuid, new_id),
        (kinds.Boolean, lambda: False),
        (kinds.Integer, lambda: next(_NUMBERS) if in_unique else 1),
        (kinds.Float, lambda: 1.0),
        (kinds.Numeric, lambda: Decimal(1)),
        (kinds.DateTime, lambda: datetime.now(UTC)),
        (kinds.Date, lambda: date(2026, 1, 31)),
        (kinds.LargeBinary, text.encode),
        (kinds.JSON, dict),
        (kinds.ARRAY, list),
        (kinds.CHAR, lambda: {2: "GB", 3: "GBP"}.get(getattr(kind, "length", 0) or 0, "x")),
        (kinds.String, lambda: text),
    ]
    for known, make in by_kind:
        if isinstance(kind, known):
            return make()
    raise NotImplementedError(f"{column}: say in tests/isolation/rows.py how a {kind!r} is made")


def key_of(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The primary key of a row."""
    return {column.name: row[column.name] for column in table.primary_key}
