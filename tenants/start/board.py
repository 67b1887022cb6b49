"""What a side may put on the start page. Loyalty and channels register; the page only shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

WEEK, YEAR = timedelta(days=7), timedelta(days=364)  # 52 weeks: the same weekday


@dataclass(frozen=True)
class Figure:
    """A figure of one day beside the same weekday a week and a year before."""

    now: int
    week: int
    year: int

    @property
    def delta(self) -> float | None:
        """Change against last week as a fraction; None where there was nothing to compare with."""
        return (self.now - self.week) / self.week if self.week else None


@dataclass(frozen=True)
class Tile:
    """One tile: `value` is shown as it stands, `url` opens the list behind it."""

    label: Any
    value: Any
    hint: Any = ""
    url: str = ""
    icon: str = ""
    delta: float | None = None
    good: str = "up"


@dataclass(frozen=True)
class Chart:
    """A picture under the tiles; `data` as docs/ui.md has it."""

    id: str
    title: Any
    data: dict[str, Any]
    kind: str = "line"


@dataclass(frozen=True)
class Step:
    """One thing to do on the first day; with `post` its button does something, else it leads somewhere."""

    label: Any
    text: Any
    done: bool
    url: str
    action: Any
    post: bool = False


@dataclass(frozen=True)
class Panel:
    """A short list under the tiles; `rows` are (label, value, url)."""

    title: Any
    subtitle: Any
    rows: Sequence[tuple[Any, Any, str]]


@dataclass(frozen=True)
class Board:
    """What one side shows for one day; `empty` on its first day, when only the steps are shown."""

    tiles: Sequence[Tile] = ()
    charts: Sequence[Chart] = ()
    steps: Sequence[Step] = ()
    panels: Sequence[Panel] = ()
    empty: bool = False


@dataclass(frozen=True)
class Side:
    """A registered side: who may see it, and how it makes its board for a day."""

    order: int
    needs: str
    make: Callable[[date], Board]


_sides: dict[str, Side] = {}


def register(name: str, *, order: int, needs: str, make: Callable[[date], Board]) -> None:
    """Put a side on the start page of everybody with the permission `needs`."""
    _sides[name] = Side(order, needs, make)


def boards(day: date, *, may: Callable[[str], bool]) -> list[Board]:
    """The boards of the sides this person may see, in their order."""
    return [side.make(day) for side in sorted(_sides.values(), key=lambda s: s.order) if may(side.needs)]
