"""Compile every template with the app's own environment, so that a slip shows before a visitor meets it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from jinja2 import TemplateError

from config import servers
from config.settings import load

ROOT = Path(__file__).resolve().parent.parent
# What the strict content security policy would block in the browser, silently.
BLOCKED = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/(?:ld\+)?json)[^>]*>", re.IGNORECASE),
    "an inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"\s(?:on[a-z]+|hx-on[:\w-]*)\s*=\s*[\"']", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}


def blocked(text: str) -> list[tuple[int, str]]:
    """(line, what) of everything in a template that the content security policy refuses."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        found += [(number, what) for what, pattern in BLOCKED.items() if pattern.search(line)]
    return found


def main() -> int:
    """0 if every template compiles and none has inline script or style."""
    from app import create_app  # noqa: PLC0415  heavy

    # Addresses only; compiling a template connects to nothing.
    state = {"PERENNIAL_STATE": str(ROOT / "var" / "check"), "PERENNIAL_ENV": "test", "SECRET_KEY": "check"}
    app = create_app(load({**state, **servers.addresses(state)}))
    found = []
    for name in app.jinja_env.list_templates():
        try:
            app.jinja_env.get_template(name)
        except TemplateError as error:
            found.append(f"templates/{name}:{getattr(error, 'lineno', 0)}: {error}")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "mail" in path.relative_to(ROOT / "templates").parts:
            continue  # mail readers know nothing but inline styles
        found += [
            f"{path.relative_to(ROOT)}:{line}: {what}, which the CSP blocks" for line, what in blocked(path.read_text())
        ]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
