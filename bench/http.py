"""Figures of the doors: awards, purchases, batches, pages, over HTTP with eight clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import floors, load, requests
from bench.load import BenchError, Load, Request
from bench.people import make_shops
from bench.report import Figure, interleave, rate
from bench.stage import Stage, web

CLIENTS = 8
FLOOR = "pgbench -N"
BATCH = 100


def doors(place: Stage, *, seconds: int, rounds: int) -> list[Figure]:
    """`http_award`, `http_purchase`, `batch_award`, each in turn with `pgbench -N` on the same server."""
    shops = make_shops(50, members=2000, prefix="doors")
    with web(place) as base:
        _once(base, requests.awards(shops, 400))  # processes and connections are warm
        award = _door(place, base, lambda: requests.awards(shops, 9000 * seconds), seconds, rounds)
        full = _door(place, base, lambda: requests.purchases(shops, 5000 * seconds), seconds, rounds)
        many = _door(
            place, base, lambda: requests.batches(shops, 600 * seconds, size=BATCH), seconds, rounds, each=BATCH
        )
    tool = f"{CLIENTS} clients, {load.generator()}"
    return [
        rate("http_award", award, unit="/s", floor_name=FLOOR, note=f"bare awards, {tool}"),
        rate("http_purchase", full, unit="/s", floor_name=FLOOR, note=f"3 lines, rule, tier, event; {tool}"),
        rate("batch_award", many, unit="/s", floor_name=FLOOR, note=f"awards in batches of {BATCH}, {tool}"),
    ]


def flat(place: Stage, *, seconds: int, rounds: int, many: int) -> Figure:
    """`tenants_flat`: the rate of awards at `many` tenants over that at ten."""
    few = make_shops(10, members=2000, prefix="few")
    all_of_them = make_shops(many, members=20, prefix="many")
    with web(place) as base:
        _once(base, requests.awards(few, 400))
        ours = _sender(base, lambda: requests.awards(all_of_them, 9000 * seconds), seconds)
        floor = _sender(base, lambda: requests.awards(few, 9000 * seconds), seconds)
        pairs = interleave(rounds, ours, floor)
    return rate("tenants_flat", pairs, unit="/s", floor_name="bare awards at 10 tenants", note=f"at {many:,} tenants")


def _door(
    place: Stage, base: str, make: Callable[[], Sequence[Request]], seconds: int, rounds: int, *, each: int = 1
) -> list[tuple[float, float]]:
    ours = _sender(base, make, seconds)
    pairs = interleave(rounds, ours, lambda: floors.pgbench_n(place.admin_url, clients=CLIENTS, seconds=seconds))
    return [(mine * each, floor) for mine, floor in pairs]


def _sender(base: str, make: Callable[[], Sequence[Request]], seconds: int) -> Callable[[], float]:
    def send() -> float:
        return _checked(load.run(base, make(), connections=CLIENTS, seconds=seconds)).per_second

    return send


def _checked(seen: Load) -> Load:
    if seen.failed:
        raise BenchError(f"{seen.failed} answers were errors; a rate of errors is no figure")
    return seen


def _once(base: str, warm: Sequence[Request]) -> None:
    _checked(load.run(base, warm, connections=CLIENTS, seconds=1))


def pages(base: str, empty: str, ident: str, request: Request, *, seconds: int, rounds: int, note: str) -> Figure:
    """Requests per second of one page against an empty Flask page on the same web server."""
    home = [Request("GET", "/", {})]
    load.run(base, [request], connections=CLIENTS, seconds=3)  # each worker compiles its templates once
    ours = _sender(base, lambda: [request], seconds)
    pairs = interleave(rounds, ours, _sender(empty, lambda: home, seconds))
    return rate(ident, pairs, unit="/s", floor_name="empty Flask page", note=note)
