"""`make check`: every gate in one go; each says what it found, and the list at the end says which failed.

python -m tools.check            all of them
python -m tools.check types …    some, by name
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from config.processes import ServerError

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CODE = ("app.py", "bench", "channels", "config", "demo", "loyalty", "migrations", "tenants", "tests", "tools")
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
# A migration is one list of statements; a function written in SQL has no shorter form.
LONG_ON_PURPOSE = ("migrations/versions/", "tests/", "bench/")


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def tool(*command: str, **environment: str) -> bool:
    """Run a tool of the virtual environment; its output is shown only if it fails."""
    program, *arguments = command
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        say((done.stdout + done.stderr).rstrip())
    return done.returncode == 0


def format_() -> bool:
    """The code is formatted (`make fix` does it)."""
    return tool("ruff", "format", "--check", "--quiet", ".") or tool("ruff", "format", "--check", ".")


def lint() -> bool:
    """Ruff's rules; pyproject.toml says why each exception holds."""
    return tool("ruff", "check", "--quiet", ".")


def types() -> bool:
    """mypy --strict over the product and its tools."""
    demo = ["-p", "demo"] if (ROOT / "demo").is_dir() else []
    packages = ["config", "tenants", "loyalty", "channels", "tools", "bench"]
    return tool("mypy", *[part for name in packages for part in ("-p", name)], *demo, "-m", "app")


def imports() -> bool:
    """Who may import whom (import-linter)."""
    return tool("lint-imports", "--no-logo", "--no-cache")


def house_rules() -> bool:
    """What no linter knows (ast-grep, tools/rules)."""
    return tool("ast-grep", "scan", "--report-style", "short", "--error")


def sizes() -> bool:
    """No file over 400 lines, no function over 40 (docstring not counted)."""
    found = []
    for path in _python_files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(LONG_ON_PURPOSE):
            continue
        text = path.read_text()
        lines = len(text.splitlines())
        if lines > LONGEST_FILE:
            found.append(f"{name}: {lines} lines; more than {LONGEST_FILE} want splitting")
        found += [f"{name}:{line}: {function} has {length} lines" for line, function, length in _long(ast.parse(text))]
    for line in found:
        say(line)
    return not found


def _python_files() -> list[Path]:
    files: list[Path] = []
    for part in CODE:
        path = ROOT / part
        files += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return files


def _long(tree: ast.Module) -> list[tuple[int, str, int]]:
    """(line, name, length) of each function that is too long."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if length > LONGEST_FUNCTION:
                found.append((node.lineno, node.name, length))
    return found


def templates() -> bool:
    """Every template compiles with the app's own filters, and djlint finds nothing."""
    compiled = tool("python", "-m", "tools.templates")
    return tool("djlint", "templates", "--lint", "--quiet") and compiled


def migrations() -> bool:
    """One head; models and schema agree; the SQL is safe on a database that is in use (squawk)."""
    return tool("python", "-m", "tools.migrations")


def spelling() -> bool:
    """Codespell."""
    return tool("codespell")


def translations() -> bool:
    """Every text has its translation in every language."""
    return tool("python", "-m", "tools.messages", "check")


def lock() -> bool:
    """The lock files fit pyproject.toml and name no registry."""
    return tool("python", "-m", "tools.lock", "--check")


GATES: dict[str, Callable[[], bool]] = {
    "format": format_,
    "lint": lint,
    "types": types,
    "imports": imports,
    "rules": house_rules,
    "sizes": sizes,
    "templates": templates,
    "migrations": migrations,
    "spelling": spelling,
    "translations": translations,
    "lock": lock,
}


def main(names: list[str]) -> int:
    """Run the gates in ``names``, or all; 0 if all are kept."""
    unknown = [name for name in names if name not in GATES]
    if unknown:
        say(f"There is no check called {', '.join(unknown)}; there are {', '.join(GATES)}.")
        return 2
    failed = []
    for name in names or GATES:
        began = time.monotonic()
        kept = GATES[name]()
        say(f"{'ok    ' if kept else 'FAILED'} {name:<13} {time.monotonic() - began:5.1f} s")
        if not kept:
            failed.append(name)
    say("All checks passed." if not failed else f"Failed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerError as error:
        sys.exit(str(error))
