"""Facts: what is written, when, and as whose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tenants import events
from tenants.events import Event, Fact, acting_as, handles, record, record_many
from tenants.ids import new_id


@dataclass(frozen=True)
class Weighed(Fact):
    """Something was weighed."""

    kind = "test.weighed"
    thing: UUID
    grams: Decimal
    day: date
    parts: list[UUID]


def test_figures_become_json_text(scope: Any) -> None:
    thing, part = uuid4(), uuid4()
    record(Weighed(thing, Decimal("12.50"), date(2026, 2, 28), [part]))
    scope.commit()
    found = scope.scalars(select(Event)).one()
    assert found.payload == {"thing": str(thing), "grams": "12.50", "day": "2026-02-28", "parts": [str(part)]}
    assert found.kind == "test.weighed"
    assert found.published_at is None


def test_the_actor_is_whoever_acts(scope: Any) -> None:
    person = uuid4()
    fact = Weighed(uuid4(), Decimal(1), date(2026, 1, 1), [])
    record(fact)
    with acting_as("staff", person):
        record(fact)
    record(fact)
    scope.commit()
    actors = list(scope.scalars(select(Event.actor).order_by(Event.id)))
    assert actors == ["system", f"staff:{person}", "system"]


def test_when_it_happened_and_when_it_was_recorded_differ(scope: Any) -> None:
    happened = datetime.now(UTC) - timedelta(days=400)
    record(Weighed(uuid4(), Decimal(1), date(2026, 1, 1), []), occurred_at=happened)
    scope.commit()
    found = scope.scalars(select(Event)).one()
    assert found.occurred_at == happened
    assert datetime.now(UTC) - found.recorded_at < timedelta(minutes=1)


def test_many_facts_are_one_statement(scope: Any, query_count: Any) -> None:
    facts = [(Weighed(uuid4(), Decimal(n), date(2026, 1, 1), []), None) for n in range(50)]
    with query_count() as seen:
        record_many(facts)
    assert len(seen) == 1
    scope.commit()
    assert scope.scalar(select(func.count()).select_from(Event)) == 50


def test_no_facts_are_no_statement(scope: Any, query_count: Any) -> None:
    with query_count() as seen:
        record_many([])
    assert seen == []


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET payload = '{}'", "UPDATE events SET kind = 'x'", "DELETE FROM events"]
)
def test_what_was_recorded_cannot_be_changed(scope: Any, statement: str) -> None:
    record(Weighed(uuid4(), Decimal(1), date(2026, 1, 1), []))
    scope.commit()
    with pytest.raises(DBAPIError, match="permission denied"):
        scope.execute(text(statement))


def test_events_go_into_the_month_they_were_recorded_in(scope: Any) -> None:
    record(Weighed(uuid4(), Decimal(1), date(2026, 1, 1), []))
    scope.commit()
    partition = scope.scalar(text("SELECT tableoid::regclass::text FROM events"))
    assert partition == f"events_{datetime.now(UTC):%Y_%m}"


def test_two_handlers_of_one_name_are_refused() -> None:
    def one(_events: list[Event]) -> None: ...

    def two(_events: list[Event]) -> None: ...

    handles("test.weighed", name="test.same")(one)
    try:
        with pytest.raises(RuntimeError):
            handles("test.weighed", name="test.same")(two)
    finally:
        events.subscriptions().pop("test.same")


def test_ids_are_ordered_in_time_in_python_and_sql(scope: Any) -> None:
    first = new_id()
    second = scope.scalar(text("SELECT new_id()"))
    scope.scalar(text("SELECT pg_sleep(0.002)"))
    third = new_id()
    assert first.version == second.version == third.version == 7
    assert str(first)[:8] == str(second)[:8] == str(third)[:8]
    assert second < third
