"""Pure readers of single cells: text, ids, decimals, dates, yes and no; and guesses from samples of a column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

DATE_ORDERS = ("ymd", "dmy", "mdy", "compact", "serial", "epoch")
DECIMAL_MARKS = (".", ",")

_PLAIN = re.compile(r"-?\d+(?:\.\d+)?\Z")
_FLOAT_ID = re.compile(r"(\d+)\.0+\Z")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?\Z|[-+]?\.\d+\Z")
_NOISE = re.compile(r"[\s\u00a0\u202f'’]|[£$€¥￥₩₹元]|\b(?:GBP|USD|EUR|CNY|RMB|HKD|TWD|JPY)\b", re.IGNORECASE)
_GROUPS = {
    ".": re.compile(r"[-+]?\d{1,3}(?:,\d{2,3})*(?:\.\d*)?\Z|[-+]?\d+(?:\.\d*)?\Z|[-+]?\.\d+\Z"),
    ",": re.compile(r"[-+]?\d{1,3}(?:\.\d{3})*(?:,\d*)?\Z|[-+]?\d+(?:,\d*)?\Z|[-+]?,\d+\Z"),
}
_DATE = re.compile(
    r"(?P<a>\d{1,4})\s?[-/.年]\s?(?P<b>\d{1,2})\s?[-/.月]\s?(?P<c>\d{1,4})日?"
    r"(?:[T,\s]+(?P<half>上午|下午)?\s?(?P<hour>\d{1,2})[:时.](?P<minute>\d{2})(?:[:分.](?P<second>\d{2}))?(?:[.,]\d+)?秒?"
    r"\s?(?P<meridiem>[AaPp]\.?[Mm]\.?)?\s?(?P<offset>Z|[+-]\d{2}:?\d{2})?)?\Z"
)
_YEAR_FIRST = re.compile(r"\s*\d{4}\s?[-/.年]")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NAMED = re.compile(r"(?:(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?|([A-Za-z]{3,9})\.?\s+(\d{1,2}),?)[\s-]+(\d{2,4})(.*)\Z")
_TRUE = frozenset("1 y yes true t on x ja oui si ok ✓ ✔ 是 有 同意 已同意 訂閱 订阅".split())
_FALSE = frozenset("0 n no false f off nein non none - 否 无 無 不同意 未同意 退訂 退订".split()) | {""}


def fold(text: str) -> str:
    """Text without white space around it and with single blanks inside."""
    return " ".join(text.split())


def clean_id(text: str) -> str:
    """An identifier as people mean it: folded, full-width digits narrowed, `12923.0` and `'0123` mended."""
    if text.isascii():
        text = " ".join(text.split())
    else:
        text = " ".join(unicodedata.normalize("NFKC", text).split())
    if text.endswith("0") and "." in text:
        match = _FLOAT_ID.match(text)
        if match:
            return match[1]
    return text.removeprefix("'")


def looks_like_value(text: str) -> bool:
    """Whether a cell holds a figure or a date rather than the name of a column."""
    text = text.strip()
    return bool(text) and (parse_decimal(text) is not None or _DATE.match(text) is not None)


def parse_decimal(text: str, mark: str = ".") -> Decimal | None:
    """A decimal with the given decimal mark; currency signs, thousands separators and (negatives) understood."""
    if mark == "." and _PLAIN.match(text):
        return Decimal(text)
    text = _NOISE.sub("", unicodedata.normalize("NFKC", text)).replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    if text.endswith("-"):
        text = f"-{text[:-1]}"
    if not _GROUPS[mark].match(text):
        return None
    other = "," if mark == "." else "."
    text = text.replace(other, "").replace(mark, ".").rstrip(".")
    return Decimal(text) if _NUMBER.match(text) else None


def guess_decimal_mark(samples: Iterable[str]) -> tuple[str, bool]:
    """The decimal mark of a column and whether the samples leave it open (then the point is assumed)."""
    votes = {".": 0, ",": 0}
    unsure = False
    for sample in samples:
        text = _NOISE.sub("", sample)
        points, commas = text.count("."), text.count(",")
        if points and commas:
            votes["." if text.rfind(".") > text.rfind(",") else ","] += 5
        elif points + commas == 1:
            mark = "." if points else ","
            if len(text) - text.index(mark) - 1 == 3 and not text.lstrip("-").startswith("0"):
                unsure = unsure or mark == ","
            else:
                votes[mark] += 1
        elif points > 1:
            votes[","] += 1
        elif commas > 1:
            votes["."] += 1
    return ("," if votes[","] > votes["."] else "."), unsure and not any(votes.values())


def to_minor(amount: Decimal, exponent: int) -> int:
    """Money as whole minor units of a currency with `exponent` digits, rounded half up."""
    return int(amount.scaleb(exponent).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def parse_flag(text: str) -> bool | None:
    """Yes, no (also for an empty cell) or None for anything else."""
    word = fold(text).lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


class Moment(NamedTuple):
    """A date as a file gives it: local and naive unless the text named an offset; `has_time` if it gave a time."""

    at: datetime
    has_time: bool


def parse_moment(text: str, order: str) -> Moment | None:
    """A date, with or without a time, read in the given order; None where it is no such date."""
    text = text.strip()
    try:
        if order == "compact":
            return _compact(text)
        if order in ("serial", "epoch"):
            return _counted(text, order)
        if order == "ymd" and len(text) == 19 and text.isascii() and text[4] == "-":
            return Moment(datetime.fromisoformat(text), has_time=True)
        return _written(unicodedata.normalize("NFKC", text), order)
    except (ValueError, OverflowError):
        return None


def _compact(text: str) -> Moment | None:
    digits = re.sub(r"[T\s:]", "", text)
    if not digits.isdigit() or len(digits) not in (8, 12, 14):
        return None
    parts = [int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, len(digits), 2))]
    return Moment(datetime(*parts), has_time=len(digits) > 8)  # type: ignore[arg-type]  # noqa: DTZ001 (local time of a file)


def _counted(text: str, order: str) -> Moment | None:
    number = parse_decimal(text)
    if number is None:
        return None
    if order == "epoch":
        if number < 10**8:
            return None
        seconds = float(number) / (1000 if number > 10**11 else 1)
        return Moment(datetime.fromtimestamp(seconds, UTC), has_time=True)
    if not 1 <= number < 200_000:
        return None
    whole = timedelta(seconds=round(float(number) * 86400))
    return Moment(datetime(1899, 12, 30) + whole, has_time=number != int(number))  # noqa: DTZ001


def _written(text: str, order: str) -> Moment | None:
    named = _NAMED.match(text)
    if named and order != "ymd":
        month = _MONTHS.index((named[2] or named[3])[:3].lower()) + 1
        day = named[1] or named[4]
        text, order = f"{day}/{month}/{named[5]}{named[6]}", "dmy"
    match = _DATE.match(text)
    if not match:
        return None
    year, month, day = _ordered(match["a"], match["b"], match["c"], order)
    if match["hour"] is None:
        return Moment(datetime(year, month, day), has_time=False)  # noqa: DTZ001
    hour = _hour(int(match["hour"]), (match["half"] or match["meridiem"] or "").lower())
    at = datetime(year, month, day, hour, int(match["minute"]), int(match["second"] or 0))  # noqa: DTZ001
    if match["offset"]:
        sign = match["offset"].replace("Z", "+00:00")
        at = datetime.fromisoformat(f"{at.isoformat()}{sign}")
    return Moment(at, has_time=True)


def _ordered(a: str, b: str, c: str, order: str) -> tuple[int, int, int]:
    # A year in front is never ambiguous, whatever the rest of the column does.
    if order == "ymd" or len(a) == 4:
        if len(a) != 4 or len(c) > 2:
            raise ValueError(a)
        return int(a), int(b), int(c)
    if len(a) > 2 or len(c) not in (2, 4):
        raise ValueError(a)
    year = int(c)
    if len(c) == 2:
        year += 2000 if year < 69 else 1900
    return (year, int(b), int(a)) if order == "dmy" else (year, int(a), int(b))


def _hour(hour: int, half: str) -> int:
    if half.startswith("p") or half == "下午":
        return hour if hour >= 12 else hour + 12
    return 0 if hour == 12 and half else hour


class DateGuess(NamedTuple):
    """The order of a date column, the other orders its samples allow as well, and the share they explain."""

    order: str
    also: tuple[str, ...]
    share: float


def guess_date_order(samples: Iterable[str], *, prefer: str = "dmy") -> DateGuess:
    """The date order most samples agree with; where two fit, `prefer` (of the tenant's country) wins and both are told."""
    texts = [text for text in samples if text.strip()]
    if not texts:
        return DateGuess("ymd", (), 0.0)
    if all(_YEAR_FIRST.match(text) for text in texts[:50]):
        return DateGuess("ymd", (), sum(1 for text in texts if _plausible(parse_moment(text, "ymd"))) / len(texts))
    hits: dict[str, int] = {}
    for order in DATE_ORDERS:
        count = sum(1 for text in texts if _plausible(parse_moment(text, order)))
        if count:
            hits[order] = count
    if not hits:
        return DateGuess("ymd", (), 0.0)
    best = max(hits.values())
    close = [order for order in DATE_ORDERS if hits.get(order, 0) == best]
    order = prefer if prefer in close else close[0]
    also = tuple(other for other in close if other != order and not _named_months(texts))
    return DateGuess(order, also, best / len(texts))


def _named_months(texts: list[str]) -> bool:
    return all(_NAMED.match(text.strip()) for text in texts)


def _plausible(moment: Moment | None) -> bool:
    return moment is not None and 1900 <= moment.at.year <= 2100


def moment_reader(order: str, zone: ZoneInfo) -> Callable[[str], Moment | None]:
    """A cached reader of one column: every date as a naive local one of the tenant's zone."""
    cache: dict[str, Moment | None] = {}

    def convert(text: str) -> Moment | None:
        moment = parse_moment(text, order)
        if moment is None or moment.at.year < 1900:
            return None
        if moment.at.tzinfo is not None:
            return moment._replace(at=moment.at.astimezone(zone).replace(tzinfo=None))
        return moment

    def read(text: str) -> Moment | None:
        if text not in cache:
            cache[text] = convert(text)
        return cache[text]

    return read


def number_reader(mark: str) -> Callable[[str], Decimal | None]:
    """A cached reader of one column of decimals."""
    cache: dict[str, Decimal | None] = {}

    def read(text: str) -> Decimal | None:
        if text not in cache:
            cache[text] = parse_decimal(text.strip(), mark)
        return cache[text]

    return read
