"""`db_award`: the award function called from pgbench, beside `pgbench -N`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench import floors
from bench.people import Shop, make_shops
from bench.report import Figure, interleave, rate
from bench.stage import Stage

CLIENTS = 8
SCRIPT = """\\set member random(1, {members})
\\set event random(1, 9000000000000000)
SELECT status FROM award_points('{tenant}'::uuid, :member::text, 10, 'bench', :event::text, now(),
  (current_date + 365), now() + interval '1 year', 1, 'system', NULL, NULL, NULL);
"""


def measure(place: Stage, *, seconds: int, rounds: int) -> Figure:
    """Awards per second inside PostgreSQL, one statement each, over twenty tenants."""
    shops = make_shops(20, members=2000, prefix="ledger")
    with tempfile.TemporaryDirectory() as folder:
        scripts = [_script(Path(folder), shop) for shop in shops]
        pairs = interleave(
            rounds,
            lambda: floors.pgbench_scripts(place.app_url, scripts, clients=CLIENTS, seconds=seconds),
            lambda: floors.pgbench_n(place.admin_url, clients=CLIENTS, seconds=seconds),
        )
    return rate(
        "db_award", pairs, unit="/s", floor_name="pgbench -N", note=f"award_points from pgbench, {CLIENTS} clients"
    )


def _script(folder: Path, shop: Shop) -> Path:
    path = folder / f"{shop.slug}.sql"
    path.write_text(SCRIPT.format(tenant=shop.id, members=shop.members))
    return path
