"""Figures beside their floors: results.json and the table of the README."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"


@dataclass(frozen=True)
class Figure:
    """One measured figure. `ratio` is ours ÷ floor for rates, floor ÷ ours for times: 1.0 is the floor."""

    id: str
    value: float
    unit: str
    floor: float
    floor_name: str
    ratio: float
    note: str = ""


def rate(ident: str, rounds: Iterable[tuple[float, float]], *, unit: str, floor_name: str, note: str = "") -> Figure:
    """A rate from interleaved rounds (ours, floor): medians, and the median of the pairs' ratios."""
    pairs = list(rounds)
    ratio = statistics.median(ours / floor for ours, floor in pairs)
    return _figure(ident, pairs, ratio, unit=unit, floor_name=floor_name, note=note)


def duration(ident: str, rounds: Iterable[tuple[float, float]], *, floor_name: str, note: str = "") -> Figure:
    """A time in seconds from interleaved rounds (ours, floor)."""
    pairs = list(rounds)
    ratio = statistics.median(floor / ours for ours, floor in pairs)
    return _figure(ident, pairs, ratio, unit="s", floor_name=floor_name, note=note)


def _figure(ident: str, pairs: list[tuple[float, float]], ratio: float, **words: str) -> Figure:
    ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Figure(ident, _short(ours), words["unit"], _short(floor), words["floor_name"], _short(ratio), words["note"])


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def interleave(count: int, ours: Callable[[], float], floor: Callable[[], float]) -> list[tuple[float, float]]:
    """Measure both in turn, so that a drift of the machine meets both."""
    return [(ours(), floor()) for _ in range(count)]


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    cpus = Path("/proc/cpuinfo").read_text().count("processor\t") if Path("/proc/cpuinfo").exists() else 0
    return {"system": platform.platform(), "python": platform.python_version(), "cores": str(cpus)}


def write(figures: list[Figure]) -> None:
    """Write bench/results.json."""
    RESULTS.write_text(json.dumps([asdict(item) for item in figures], indent=2) + "\n")


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| id | ours | floor | ratio | note |", "|---|---|---|---|---|"]
    for item in figures:
        ours, floor = f"{item.value:g} {item.unit}", f"{item.floor:g} {item.unit} ({item.floor_name})"
        lines.append(f"| `{item.id}` | {ours} | {floor} | **{item.ratio:g}** | {item.note} |")
    return "\n".join(lines)
