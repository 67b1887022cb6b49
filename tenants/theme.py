"""A tenant's colours as a style sheet: one accent, made legible on light and dark by arithmetic. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DEFAULT_ACCENT = "#1f5eff"
WHITE, INK = "#ffffff", "#020305"  # ink is nearly black, so that one of the two reads on any colour
LIGHT_SURFACE, DARK_SURFACE = "#ffffff", "#171c24"
_LINE = "rgb(255 255 255 / 9%)"
# Patterns of the card: thin light lines that leave the words their contrast.
CARD_ART = {
    "waves": f"repeating-radial-gradient(circle at 0% 130%,{_LINE} 0 2px,transparent 2px 20px)",
    "rings": f"repeating-radial-gradient(circle at 88% 12%,{_LINE} 0 1.5px,transparent 1.5px 24px)",
    "linen": f"repeating-linear-gradient(45deg,{_LINE} 0 1px,transparent 1px 7px),"
    f"repeating-linear-gradient(-45deg,{_LINE} 0 1px,transparent 1px 7px)",
}
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
Rgb = tuple[int, int, int]


def is_colour(text: str) -> bool:
    """Whether the text is a colour as we keep it: # and six hex digits."""
    return bool(_HEX.fullmatch(text))


def rgb(colour: str) -> Rgb:
    """The three channels of #rrggbb. Raises ValueError for anything else."""
    if not is_colour(colour):
        raise ValueError(f"not a colour: {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(colour: str, other: str, share: float) -> str:
    """`colour` with `share` (0 to 1) of `other` in it."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(rgb(colour), rgb(other), strict=True))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it, 0 black to 1 white."""
    parts = [value / 255 for value in rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def legible(colour: str, *, on: str, ratio: float = 4.5) -> str:
    """The colour, moved towards black or white until it reads on `on` with the asked contrast."""
    target = "#000000" if luminance(on) > 0.4 else WHITE
    for step in range(21):
        candidate = mix(colour, target, step / 20)
        if contrast(candidate, on) >= ratio:
            return candidate
    return target


def text_on(colour: str) -> str:
    """White or ink, whichever reads better on the colour."""
    return WHITE if contrast(WHITE, colour) >= contrast(INK, colour) else INK


def accent_of(branding: Mapping[str, Any]) -> str:
    """The tenant's accent, or the house's where there is none or a bad one."""
    given = str(branding.get("accent") or "")
    return given if is_colour(given) else DEFAULT_ACCENT


def _variables(accent: str, *, surface: str, soft: float) -> dict[str, str]:
    words = legible(legible(accent, on=mix(surface, accent, soft), ratio=4.6), on=surface, ratio=4.6)
    solid = legible(accent, on=WHITE, ratio=4.6) if surface == LIGHT_SURFACE else accent
    return {
        "--tblr-primary": solid,
        "--tblr-primary-rgb": ",".join(map(str, rgb(solid))),
        "--tblr-primary-fg": text_on(solid),
        "--tblr-primary-darken": mix(solid, "#000000", 0.14),
        "--tblr-primary-lt": mix(surface, accent, soft),
        "--tblr-link-color": words,
        "--tblr-link-color-rgb": ",".join(map(str, rgb(words))),
        "--tblr-link-hover-color": mix(words, "#000000" if surface == LIGHT_SURFACE else WHITE, 0.2),
        "--pn-accent": solid,
        "--pn-accent-text": words,
        "--pn-accent-soft": mix(surface, accent, soft),
    }


def card_of(branding: Mapping[str, Any]) -> str:
    """The colour of the tenant's card, a dark shade of its accent where none was chosen."""
    given = str(branding.get("card") or "")
    return given if is_colour(given) else mix(accent_of(branding), "#0b1020", 0.45)


def _card(branding: Mapping[str, Any]) -> dict[str, str]:
    base = card_of(branding)
    ink = text_on(base)
    # Both ends of the card must carry the same ink.
    far = next(
        c for share in (0.45, 0.3, 0.15, 0) if contrast(ink, c := mix(base, "#05070d", share)) >= 4.5 or not share
    )
    art = CARD_ART.get(str(branding.get("card_style") or ""), "none")
    return {"--pn-card-near": base, "--pn-card-far": far, "--pn-card-ink": ink, "--pn-card-art": art}


def style_sheet(branding: Mapping[str, Any]) -> str:
    """The text of theme.css for `accent` and `card` (#rrggbb) of a tenant's branding."""
    accent = accent_of(branding)
    light = _variables(accent, surface=LIGHT_SURFACE, soft=0.09) | _card(branding)
    dark = _variables(accent, surface=DARK_SURFACE, soft=0.2)
    return "".join(
        f"{selector}{{{''.join(f'{name}:{value};' for name, value in values.items())}}}\n"
        for selector, values in ((":root", light), ('[data-bs-theme="dark"]', dark))
    )
