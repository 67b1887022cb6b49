"""What branding must fulfil: contrast, sizes, kinds of pictures, names of hosts. Pure."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l

from tenants.theme import INK, WHITE, contrast, is_colour, legible, text_on

TEXT_CONTRAST = 4.5
LARGEST_LOGO = 512 * 1024
CARD_STYLES = ("plain", "waves", "rings", "linen")
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def accent_fault(colour: str) -> Any:
    """Why a colour cannot be the accent, as a sentence with one that can; None when it can."""
    if not is_colour(colour):
        return _l("Write a colour such as #1f5eff.")
    ratio = contrast(colour, WHITE)
    if ratio >= TEXT_CONTRAST:
        return None
    return _l(
        "Words in this colour cannot be read on white: the contrast is %(ratio)s to 1 and must be at least 4.5. "
        "The nearest that passes is %(colour)s.",
        ratio=f"{ratio:.1f}",
        colour=legible(colour, on=WHITE),
    )


def card_fault(colour: str) -> Any:
    """Why a colour cannot be the card's; neither white nor dark words would be legible on it."""
    if not is_colour(colour):
        return _l("Write a colour such as #1f5eff.")
    ink = text_on(colour)
    if contrast(ink, colour) >= TEXT_CONTRAST:
        return None
    better = legible(colour, on=ink)
    return _l(
        "Words cannot be read on a card of this colour. The nearest that passes is %(colour)s.",
        colour=better if ink in (WHITE, INK) else colour,
    )


def picture_type(content: bytes) -> str | None:
    """The content type of a PNG, JPEG or WebP picture by its first bytes, None for anything else."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def normal_host(text: str) -> str | None:
    """A host name as we keep it, None for what is none. Addresses of people often come with https:// and a path."""
    bare = text.strip().lower().removeprefix("https://").removeprefix("http://").split("/")[0].split(":")[0].rstrip(".")
    try:
        ascii_name = bare.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_name if _HOST.fullmatch(ascii_name) else None
