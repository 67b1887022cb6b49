"""The list component over a table of its own: order, pages there and back, filters, search, CSV, query counts."""

from __future__ import annotations

import csv
import io
import itertools
import random
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask, g
from sqlalchemy import Select, Uuid, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session

from tenants import keyset
from tenants.errors import Denied
from tenants.keyset import Cursor, Order
from tenants.listing import COUNT_CAP, Choice, Column, DateRange, Listing, View
from tenants.listing_cells import harmless


class Own(DeclarativeBase):
    pass


class Thing(Own):
    __tablename__ = "listing_things"
    __table_args__ = {"prefixes": ["TEMPORARY"]}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)
    name: Mapped[str]
    place: Mapped[str | None]
    amount: Mapped[int | None]
    rate: Mapped[Decimal | None]
    at: Mapped[datetime] = mapped_column(nullable=False)
    on: Mapped[date | None]


def find(statement: Select, words: str) -> Select:
    return statement.where(Thing.name.ilike(f"%{words}%"))


def listing(**given: object) -> Listing:
    values = {
        "columns": [
            Column("name", "Name", sort=Thing.name),
            Column("place", "Place", sort=Thing.place),
            Column("amount", "Amount", sort=Thing.amount, format="money"),
            Column("rate", "Rate", sort=Thing.rate, format="percent"),
            Column("at", "At", sort=Thing.at, format="moment"),
            Column("upper", "Loud", value=lambda row: row.name.upper(), export=False),
        ],
        "key": Thing.id,
        "sort": "name",
        "search": find,
        "filters": [
            Choice("place", "Place", Thing.place, [("north", "North"), ("south", "South")]),
            Choice("size", "Size", options=[("big", "Big")], where=lambda s, _v: s.where(Thing.amount > 100)),
            DateRange("at", "At", Thing.at),
            DateRange("on", "On", Thing.on),
        ],
        "size": 7,
        **given,
    }
    return Listing("things", **values)


@pytest.fixture
def things(scope: scoped_session[Session]) -> Iterator[list[Thing]]:
    """Forty rows with ties and gaps in every column."""
    scope.execute(text("SELECT 1"))
    connection = scope.connection()
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.listing_things"))
    Own.metadata.create_all(connection, checkfirst=False)
    dice = random.Random(7)
    start = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    rows = [
        Thing(
            id=UUID(int=dice.getrandbits(128)),
            name=dice.choice(["ada", "bob", "cäsar", "王", "=cmd()", "-1"]),
            place=dice.choice(["north", "south", None]),
            amount=dice.choice([None, 5, 5, 120, -30]),
            rate=dice.choice([None, Decimal("0.5"), Decimal("0.125")]),
            at=start + timedelta(hours=dice.randrange(60)),
            on=dice.choice([None, date(2026, 3, 29), date(2026, 3, 30)]),
        )
        for _row in range(40)
    ]
    scope.add_all(rows)
    scope.flush()
    yield rows
    scope.rollback()


@pytest.fixture
def ask(app: Flask, things: list[Thing], tenant: object) -> Iterator[Callable[..., View]]:
    """ask("/list?q=ada") is the page at that address."""
    stack = []

    def view(url: str = "/list", *, of: Listing | None = None, statement: Select | None = None) -> View:
        frame = app.test_request_context(url)
        frame.push()
        stack.append(frame)
        g.tenant = tenant
        return (of or listing()).page(select(Thing) if statement is None else statement)

    yield view
    for frame in reversed(stack):
        frame.pop()


def ids(view: View) -> list[UUID]:
    return [row.item.id for row in view.rows]


ORDERS = [d + c for d, c in itertools.product(["", "-"], ["name", "place", "amount", "rate", "at"])]


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_there_and_back_show_every_row_once(ask: Callable[..., View], things: list[Thing], sort: str) -> None:
    page, seen, urls = ask(f"/list?sort={sort}"), [], []
    while True:
        seen += ids(page)
        urls.append(ids(page))
        if not page.next_url:
            break
        page = ask(page.next_url)
    assert len(seen) == len(set(seen)) == len(things)
    back = [ids(page)]
    while page.previous_url:
        page = ask(page.previous_url)
        back.append(ids(page))
    assert back == urls[::-1]


@pytest.mark.parametrize("sort", ORDERS)
def test_the_order_is_that_of_the_database_with_gaps_last(
    ask: Callable[..., View], things: list[Thing], sort: str
) -> None:
    name = sort.removeprefix("-")
    page, values = ask(f"/list?sort={sort}"), []
    while True:
        values += [getattr(row.item, name) for row in page.rows]
        if not page.next_url:
            break
        page = ask(page.next_url)
    filled = [value for value in values if value is not None]
    assert values == filled + [None] * (len(values) - len(filled))
    if name != "name":  # text is sorted by the database's collation
        assert filled == sorted(filled, reverse=sort.startswith("-"))


def test_a_page_costs_two_queries_whatever_its_length(
    ask: Callable[..., View], query_count: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    for size in (3, 20):
        with query_count() as seen:
            ask(of=listing(size=size))
        assert len(seen) == 2
        with query_count() as seen:
            ask(of=listing(size=size, count=False))
        assert len(seen) == 1
    with query_count() as seen:
        assert ask(of=listing(size=100)).total == 40
    assert len(seen) == 1


def test_columns_of_a_join_work_like_entities(ask: Callable[..., View]) -> None:
    view = ask(statement=select(Thing.id, Thing.name, Thing.amount))
    assert view.rows[0].item.name in {"-1", "=cmd()", "ada"}
    assert ask(view.next_url, statement=select(Thing.id, Thing.name)).rows


def test_search_and_filters_narrow(ask: Callable[..., View], things: list[Thing]) -> None:
    assert all(row.item.name == "ada" for row in ask("/list?q=AD").rows)
    assert {row.item.place for row in ask("/list?place=north").rows} == {"north"}
    assert {row.item.amount for row in ask("/list?size=big").rows} == {120}
    assert ask("/list?place=elsewhere&at_from=nonsense").total == 40


def test_a_day_is_the_tenants_day(ask: Callable[..., View], things: list[Thing]) -> None:
    # London leaves winter time on 29 March: the day begins at 00:00 UTC and ends at 23:00 UTC.
    first, last = datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC)
    expected = sum(first <= thing.at < last for thing in things)
    assert ask("/list?at_from=2026-03-29&at_to=2026-03-29").total == expected > 0
    assert ask("/list?on_from=2026-03-30").total == sum(thing.on == date(2026, 3, 30) for thing in things)


def test_a_page_whose_rows_are_gone_shows_the_first(ask: Callable[..., View], scope: scoped_session[Session]) -> None:
    later = ask("/list?sort=at").next_url
    scope.execute(text("DELETE FROM listing_things WHERE at > (SELECT min(at) FROM listing_things)"))
    assert ask(later).rows


@pytest.mark.parametrize("word", ["", "garbage", "WyJ4Il0", "a.b.c"])
def test_a_cursor_that_is_not_ours_is_the_first_page(ask: Callable[..., View], word: str) -> None:
    assert ids(ask(f"/list?after={word}")) == ids(ask())


def test_a_cursor_of_another_order_is_not_taken(ask: Callable[..., View]) -> None:
    token = re.search(r"after=([^&]+)", ask("/list?sort=-amount").next_url)
    assert token
    assert ids(ask(f"/list?after={token[1]}")) == ids(ask())


@pytest.mark.parametrize(
    "value", [None, True, 3, -(2**62), "王 =", 1.5, Decimal("1.10"), date(2026, 1, 2), datetime.now(UTC), uuid4()]
)
def test_cursors_come_back_as_they_were(app: Flask, value: object) -> None:
    with app.app_context():
        cursor = Cursor(value, uuid4())
        assert keyset.load(keyset.dump(cursor, order="x"), order="x") == cursor
        assert keyset.load(keyset.dump(cursor, order="x"), order="y") is None


def test_a_column_that_cannot_be_null_is_compared_as_a_pair() -> None:
    order = Order("x", Thing.at, Thing.id, "asc")
    assert "listing_things.at, listing_things.id) >" in str(
        keyset.beyond(Cursor(datetime.now(UTC), uuid4()), order, way="after")
    )


def test_addresses_keep_what_they_should(ask: Callable[..., View]) -> None:
    view = ask("/list?q=a&place=north&tab=2&after=&sort=-name")
    assert view.kept == [("tab", "2"), ("sort", "-name")]
    assert view.clear_url == "/list?tab=2&sort=-name"
    assert view.filtered
    heads = {column.column.name: column for column in view.columns}
    assert "sort=name" in heads["name"].sort_url
    assert heads["name"].direction == "desc"
    assert heads["upper"].sort_url == ""


def test_two_lists_on_a_page_have_their_own_words(ask: Callable[..., View]) -> None:
    view = ask("/list?things.q=ada&q=bob", of=listing(prefixed=True))
    assert {row.item.name for row in view.rows} == {"ada"}
    assert "q=bob" in view.clear_url


def test_the_count_stops_where_it_gets_dear(ask: Callable[..., View], scope: scoped_session[Session]) -> None:
    scope.execute(
        text(
            "INSERT INTO listing_things (id, name, at) "
            "SELECT gen_random_uuid(), 'many', now() FROM generate_series(1, :n)"
        ),
        {"n": COUNT_CAP + 5},
    )
    view = ask("/list?q=many")
    assert view.total == COUNT_CAP + 1
    assert view.summary == "More than 1,000"


def rows_of(app: Flask, tenant: object, url: str, of: Listing) -> list[list[str]]:
    with app.test_request_context(url):
        g.tenant = tenant
        response = of.respond(select(Thing), "unused.html")
        assert response.mimetype == "text/csv"
        text = response.get_data().decode("utf-8-sig")
        response.close()
        return list(csv.reader(io.StringIO(text)))


def test_csv_is_the_whole_filtered_list(
    app: Flask, things: list[Thing], tenant: object, query_count: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    with query_count() as seen:
        rows = rows_of(app, tenant, "/list?format=csv&place=north&sort=amount", listing())
    assert len(seen) == 1
    assert rows[0] == ["Name", "Place", "Amount", "Rate", "At"]
    assert len(rows) - 1 == sum(thing.place == "north" for thing in things) > 7
    assert {row[2] for row in rows[1:]} <= {"0.05", "1.20", "-0.30", ""}
    assert all(re.match(r"2026-03-\d\dT\d\d:\d\d:00\+0[01]:00", row[4]) for row in rows[1:])


def test_csv_runs_no_formula(app: Flask, things: list[Thing], tenant: object) -> None:
    names = {row[0] for row in rows_of(app, tenant, "/list?format=csv", listing())[1:]}
    assert "'=cmd()" in names
    assert "'-1" in names
    assert harmless("@x") == "'@x"
    assert harmless("x=1") == "x=1"


def test_csv_needs_its_permission(app: Flask, things: list[Thing], tenant: object) -> None:
    with pytest.raises(Denied):
        rows_of(app, tenant, "/list?format=csv", listing(export_needs="members.export"))


def test_the_table_marks_order_links_and_gaps(app: Flask, ask: Callable[..., View]) -> None:
    view = ask("/list?sort=amount", of=listing(link=lambda row: f"/things/{row.id}"))
    html = app.jinja_env.from_string('{% import "_ui/ui.html" as ui %}{{ ui.table(list) }}').render(list=view)
    assert 'aria-sort="ascending"' in html
    assert 'hx-target="#things-list"' in html
    assert 'data-href="/things/' in html
    assert "−£0.30" in html or "-£0.30" in html
    assert "=cmd()" in html or view.rows


def test_htmx_gets_the_list_alone_and_the_address_to_show(app: Flask, things: list[Thing], tenant: object) -> None:
    headers = {"HX-Request": "true", "HX-Target": "things-list"}
    with app.test_request_context("/list?q=ada&place=", headers=headers):
        g.tenant = tenant
        response = listing().respond(select(Thing), "unused.html")
        assert response.headers["HX-Push-Url"] == "/list?q=ada"
        assert "HX-Request" in response.headers["Vary"] or "HX-Request" in str(response.headers.getlist("Vary"))
        assert "<html" not in response.get_data(as_text=True)


def test_an_empty_list_says_what_to_do(ask: Callable[..., View], app: Flask) -> None:
    render = app.jinja_env.from_string('{% import "_ui/ui.html" as ui %}{{ ui.table(list) }}').render
    assert "Nothing matches" in render(list=ask("/list?q=zzzzz"))
    assert "Nothing here yet" in render(list=ask(statement=select(Thing).where(Thing.name == "nobody")))
