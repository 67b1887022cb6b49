"""What a kind of import is: its fields, how rows become documents, and who takes them.

The member side and the channel side register their kinds here; this package knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import LazyString

from .mapping import Field, Mapping
from .readers import RawRow


@dataclass(frozen=True)
class Context:
    """What reading rows needs to know of the tenant: `now` is local and naive; money has `exponent` decimals."""

    zone: ZoneInfo
    country: str
    currency: str
    exponent: int
    now: datetime
    source: str = "import"
    shift_to_today: bool = False
    known_shift: Callable[[date, date], int | None] = lambda _first, _last: None
    only_known_shift: bool = False
    options: dict[str, Any] = field(default_factory=dict)


class Refusal(NamedTuple):
    """A row that will not be taken: its line in the file, the column's name, a code and what fills the sentence."""

    line: int
    code: str
    column: str = ""
    detail: dict[str, str] = {}  # noqa: RUF012 (a NamedTuple default; never written to)
    document: str = ""
    cells: Sequence[str] = ()


class Document(NamedTuple):
    """One document as JSON values in `data`, with what ordering and chunking need."""

    at: datetime
    lines: int
    data: list[Any]


@dataclass
class Staged:
    """What a whole file came to: documents in date order, refused rows, and figures for the preview."""

    lines: int
    documents: list[Document]
    refusals: list[Refusal]
    first_day: date | None = None
    last_day: date | None = None
    shift_days: int = 0
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass
class Taken:
    """What one chunk came to. `counts` are lines but for purchases, members and points; they add up over chunks."""

    taken: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Finding(NamedTuple):
    """A line of the result worth a person's look, such as a refund without original."""

    document: str
    who: str
    what: str
    quantity: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True)
class Order:
    """Under which import, source and options documents are taken."""

    import_id: UUID
    source: str
    options: dict[str, Any]


class Kind(Protocol):
    """A kind of import. Reading is pure; preview, take, undo and findings run in the tenant's scope."""

    @property
    def key(self) -> str:
        """Its stable name."""
        ...

    @property
    def label(self) -> LazyString:
        """What it is called."""
        ...

    @property
    def hint(self) -> LazyString:
        """What a file of it looks like."""
        ...

    @property
    def fields(self) -> Sequence[Field]:
        """What its columns may be."""
        ...

    @property
    def options(self) -> dict[str, LazyString]:
        """Switches of the mapping form, by key."""
        ...

    @property
    def can_undo(self) -> bool:
        """Whether an import of it can be taken back."""
        ...

    @property
    def counts(self) -> dict[str, LazyString]:
        """Figures of the result beside lines, by key."""
        ...

    def stage(self, rows: Iterable[RawRow], *, columns: Sequence[str], mapping: Mapping, context: Context) -> Staged:
        """Turn rows into documents and refusals."""
        ...

    def preview(self, staged: Staged, order: Order) -> dict[str, Any]:
        """Count what would be taken, what is known already, and what would be made."""
        ...

    def take(self, documents: Sequence[list[Any]], order: Order) -> Taken:
        """Take a chunk of documents; taking it twice has one effect."""
        ...

    def undo(self, import_id: UUID, *, limit: int) -> int:
        """Take back about `limit` documents of an import; how many are left."""
        ...

    def findings(self, import_id: UUID, *, limit: int) -> list[Finding]:
        """What was taken but deserves a look."""
        ...


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known under its key."""
    _kinds[kind.key] = kind
    return kind


def kind_of(key: str) -> Kind:
    """The kind with this key. Raises KeyError."""
    return _kinds[key]


def kinds() -> list[Kind]:
    """All kinds, in the order in which they were registered."""
    return list(_kinds.values())
