"""The physical floors: what PostgreSQL itself does on this machine in the same minutes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.load import BenchError
from config.embedded import pgbench_path

SCALE = 50


def prepare(admin_url: str) -> None:
    """Make pgbench's own tables in the database of `admin_url` (libpq address)."""
    _pgbench("-i", "-q", "-s", str(SCALE), admin_url)


def pgbench_n(admin_url: str, *, clients: int, seconds: int) -> float:
    """Transactions per second of `pgbench -N`: one update, one select, one insert, one commit."""
    return _rate(_pgbench("-N", "-n", *_load(clients, seconds), admin_url))


def pgbench_scripts(url: str, scripts: Sequence[Path], *, clients: int, seconds: int) -> float:
    """Transactions per second of scripts of ours, prepared, drawn at random."""
    files = [argument for script in scripts for argument in ("-f", str(script))]
    return _rate(_pgbench("-n", "-M", "prepared", *files, *_load(clients, seconds), url))


def _load(clients: int, seconds: int) -> list[str]:
    return ["-c", str(clients), "-j", "2", "-T", str(seconds)]


def _pgbench(*arguments: str) -> str:
    done = subprocess.run([str(pgbench_path()), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"pgbench said: {done.stderr[-800:]}")
    return done.stdout


def _rate(output: str) -> float:
    found = re.search(r"tps = ([\d.]+)", output)
    if not found:
        raise BenchError(f"pgbench printed no rate: {output[-500:]}")
    return float(found[1])
