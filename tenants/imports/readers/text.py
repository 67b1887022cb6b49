"""Bytes to lines of text: unpacking, encoding, line ends. A line that cannot be decoded is marked, never fatal."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import NamedTuple

from .formats import Unreadable

MAX_UNPACKED = 256 * 1024 * 1024
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp1252")

_HIGH = re.compile(rb"[\x80-\xff]")
_GB_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])*\Z")
_BIG5_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf9][\x40-\x7e\xa1-\xfe])*\Z")
# Letters with accents beside letters, or the signs that Western exports really contain (euro, pound, quotes, degree ...).
_LATIN = re.compile(
    rb"(?:[\x00-\x7f]|[\x80\x82\x84\x85\x91-\x97\x99\xa0-\xa9\xab\xae\xb0-\xb5\xb7-\xbf\xd7]"
    rb"|(?<=[A-Za-z\xc0-\xfd])[\xc0-\xd6\xd8-\xf6\xf8-\xfd]|[\xc0-\xd6\xd8-\xf6\xf8-\xfd](?=[A-Za-z\xc0-\xfd]))*\Z"
)


class Lines(NamedTuple):
    """The lines of a file without their ends, the encoding, and the indexes of lines that did not decode."""

    lines: list[str]
    encoding: str
    undecodable: frozenset[int]


def unpack(data: bytes) -> bytes:
    """The content of a gzip file (up to 256 MB unpacked), any other bytes as they are; raises Unreadable."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            content = packed.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("broken_archive") from error
    if len(content) > MAX_UNPACKED:
        raise Unreadable("too_large")
    return content


def guess_encoding(data: bytes) -> str:
    """The encoding most lines of the file agree with; UTF-8 where nothing speaks for another."""
    if data[:3] == b"\xef\xbb\xbf":
        return "utf-8"
    if data[:2] == b"\xff\xfe":
        return "utf-16-le"
    if data[:2] == b"\xfe\xff":
        return "utf-16-be"
    wide = _wide(data[:4000])
    if wide:
        return wide
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy_or_damaged(data)
    return "utf-8"


def _wide(head: bytes) -> str:
    """UTF-16 without its mark: zero bytes, nearly all of them on the same side of their pairs."""
    high, low = head[1::2].count(0), head[0::2].count(0)
    if (high + low) * 50 < len(head) or min(high, low) * 20 > max(high, low):
        return ""
    encoding = "utf-16-le" if high > low else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
    return encoding if "\n" in text and "\ufffd" not in text[:-1] else ""


def _legacy_or_damaged(data: bytes) -> str:
    """An older encoding if the lines outside UTF-8 look like text in it, else UTF-8 with damaged lines."""
    valid, odd = 0, []
    for line in data.split(b"\n"):
        if not _HIGH.search(line):
            continue
        try:
            line.decode("utf-8")
            valid += 1
        except UnicodeDecodeError:
            odd.append(line)
    if valid > len(odd):
        return "utf-8"
    # In this order: what is GB throughout would pass as Big5 as well.
    patterns = (("gb18030", _GB_PAIRS), ("big5", _BIG5_PAIRS), ("cp1252", _LATIN))
    hits = {name: sum(1 for line in odd if pattern.match(line)) for name, pattern in patterns}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] * 2 >= len(odd) else "utf-8"


def to_lines(data: bytes, encoding: str = "") -> Lines:
    """Split a text file (already unpacked) into lines; `encoding` overrides the guess."""
    encoding = encoding or guess_encoding(data)
    undecodable: frozenset[int] = frozenset()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, undecodable = _line_by_line(data, encoding)
    text = text.removeprefix("\ufeff")
    # Only real line ends: str.splitlines() would also cut at form feeds and U+2028 inside a description.
    if "\r" in text:
        text = text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return Lines(lines, encoding, undecodable)


def _line_by_line(data: bytes, encoding: str) -> tuple[str, frozenset[int]]:
    """Decode each line by itself; damaged characters become U+FFFD and the line's index is noted."""
    if encoding.startswith("utf-16"):
        lines = data.decode(encoding, errors="replace").split("\n")
        return "\n".join(lines), frozenset(i for i, line in enumerate(lines) if "\ufffd" in line)
    lines, damaged = [], []
    for index, raw in enumerate(data.split(b"\n")):
        try:
            lines.append(raw.decode(encoding))
        except UnicodeDecodeError:
            lines.append(raw.decode(encoding, errors="replace"))
            damaged.append(index)
    return "\n".join(lines), frozenset(damaged)
