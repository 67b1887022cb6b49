"""What `make run` says on the terminal: little, and in sentences."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

COLOURS = {"web": 36, "relay": 35, "scheduler": 34, "mailbox": 32, "worker-1": 33, "worker-2": 33}
# Lines a person should see even though everything is in the log files.
ALARMS = (
    '"level": "error"',
    '"level": "critical"',
    "Traceback (most recent",
    "[error",
    "[critical",
    "ERROR",
    "CRITICAL",
)
_turn = threading.Lock()


def _coloured(text: str, colour: int) -> str:
    wanted = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{colour}m{text}\033[0m" if wanted else text


def say(text: str) -> None:
    """Write one line, whole, whichever thread it comes from."""
    with _turn:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def warn(text: str) -> None:
    """Write one line that asks for attention."""
    say(_coloured(text, 31))


class Echo:
    """Shows those lines of one process that a person should see (``VERBOSE=1``: all of them)."""

    def __init__(self, name: str, *, shows: Callable[[str], bool] | None = None) -> None:
        self.name = name
        self.shows = shows or (lambda text: any(sign in text for sign in ALARMS))
        self.in_traceback = False

    def line(self, text: str) -> None:
        """Take one line, and show it if it is an alarm or part of a traceback."""
        follows = self.in_traceback
        self.in_traceback = text.startswith("Traceback (most") or (follows and text.startswith((" ", "\t")))
        if follows or os.environ.get("VERBOSE") == "1" or self.shows(text):
            say(f"{_coloured(f'{self.name:>9}', COLOURS.get(self.name, 37))} │ {_short(text)}")


def _short(line: str) -> str:
    """A structured log line as people read it."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    event = fields.pop("event", "")
    for dull in ("timestamp", "level", "logger"):
        fields.pop(dull, None)
    return f"{event} {' '.join(f'{key}={value}' for key, value in fields.items())}".strip()


def welcome(host: str, port: int, state: Path) -> None:
    """The addresses, and the demo's sign-ins where there is a demo."""
    shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104  compared, not bound
    base = f"http://{shown}:{port}"
    say("")
    say(f"  Perennial is ready: {_coloured(base + '/', 36)}")
    for line in _sign_ins(base, state):
        say(f"  {line}")
    say(f"  Logs are in {state / 'logs'}. Ctrl-C stops everything.")
    say("")


def _sign_ins(base: str, state: Path) -> list[str]:
    """What the demo says about itself: `demo.sign_ins(base)`, a list of lines."""
    if not (state / "demo.seeded").exists():
        return []
    try:
        demo = importlib.import_module("demo")
    except ModuleNotFoundError:
        return []
    lines = getattr(demo, "sign_ins", None)
    return list(lines(base)) if lines else []
