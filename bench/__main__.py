"""make bench: every figure beside its physical floor from the same run.

    python -m bench [--quick] [--only http_award,tier_full]

Writes bench/results.json and bench/table.md. Quick takes about two minutes, with smaller data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import report
from bench.load import BenchError
from bench.stage import Stage, stage


@dataclass(frozen=True)
class Plan:
    """How long and how large."""

    seconds: int
    rounds: int
    members: int
    entries: int
    tenants: int


FULL = Plan(seconds=8, rounds=3, members=1_000_000, entries=10_000_000, tenants=10_000)
QUICK = Plan(seconds=3, rounds=1, members=50_000, entries=500_000, tenants=1_000)


def _parts(place: Stage, plan: Plan) -> dict[str, Callable[[], list[report.Figure | None]]]:
    from app import create_app  # the stage has named the servers by now
    from bench import files, floors, http, ledger, pages, tiers

    app = create_app()
    app.app_context().push()
    floors.prepare(place.admin_url)
    few = {"seconds": plan.seconds, "rounds": plan.rounds}
    return {
        "http_award http_purchase batch_award": lambda: list(http.doors(place, **few)),
        "db_award": lambda: [ledger.measure(place, **few)],
        "import_lines": lambda: [files.measure(place, rounds=plan.rounds)],
        "member_page admin_list": lambda: list(pages.measure(app, place, **few)),
        "tenants_flat": lambda: [http.flat(place, many=plan.tenants, **few)],
        "tier_full tier_next_day": lambda: list(
            tiers.measure(place, members=plan.members, entries=plan.entries, rounds=plan.rounds)
        ),
    }


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser(prog="make bench")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", default="", help="ids, with commas")
    chosen = options.parse_args()
    only = set(filter(None, chosen.only.split(",")))
    figures: list[report.Figure] = []
    try:
        with stage() as place:
            for idents, measure in _parts(place, QUICK if chosen.quick else FULL).items():
                if not only or only & set(idents.split()):
                    sys.stderr.write(f"measuring {idents} …\n")
                    found = [figure for figure in measure() if figure]
                    sys.stderr.write("".join(f"  {item.id}: {item.ratio:g} of the floor\n" for item in found))
                    figures += found
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    report.write(figures)
    sys.stdout.write(report.table(figures) + "\n\n" + str(report.machine()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
