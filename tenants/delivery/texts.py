"""Which messages there are. Whoever sends one declares it, so that staff can look at it beforehand.

A new message: a folder under templates/mail/, and declare() next to the code that sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

LINK = "https://example.com/"


@dataclass(frozen=True)
class TextKind:
    """A message in words: what it is called, to whom it goes, and invented figures for its preview.

    `contact` messages need consent and carry a link to unsubscribe.
    """

    name: str
    label: Any
    hint: Any
    sample: Mapping[str, Any]
    contact: bool = False


_kinds: dict[str, TextKind] = {}


def declare(name: str, *, label: Any, hint: Any, sample: Mapping[str, Any], contact: bool = False) -> None:
    """Make a message known. Raises RuntimeError when the name is taken by another."""
    kind = TextKind(name, label, hint, sample, contact)
    if _kinds.setdefault(name, kind).sample != sample:
        raise RuntimeError(f"two messages are called {name!r}")


def kinds() -> Mapping[str, TextKind]:
    """All declared messages by name."""
    return _kinds


def label_of(name: str) -> Any:
    """What a message is called; its name when nobody declared it."""
    return _kinds[name].label if name in _kinds else name


def options() -> list[tuple[str, Any]]:
    """As the choices of a filter."""
    return [(kind.name, kind.label) for kind in _kinds.values()]


declare(
    "signin_code",
    label=_l("Sign-in code"),
    hint=_l("To a member or partner who asks to sign in."),
    sample={"name": "Ann Baker", "code": "492817", "url": LINK, "minutes": 10},
)
declare(
    "reset",
    label=_l("New password"),
    hint=_l("To a member of staff who forgot the password."),
    sample={"name": "Ann Baker", "url": LINK, "minutes": 60},
)
declare(
    "invitation",
    label=_l("Invitation"),
    hint=_l("To somebody who shall join your staff."),
    sample={"invited_by": "Grace Hopper", "url": LINK, "days": 7},
)
