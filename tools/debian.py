"""Run a command against Debian's own PostgreSQL 15 and Redis 7 instead of the embedded servers.

    python -m tools.debian .venv/bin/pytest tests

The servers get a state directory of their own and private sockets; what
runs on the machine as a service is left alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config import servers
from config.processes import ServerError

POSTGRES = Path("/usr/lib/postgresql/15/bin")
REDIS = Path("/usr/bin/redis-server")


def main(command: list[str]) -> int:
    """Run ``command``; its exit code, or 1 after a sentence if a server is missing."""
    missing = [package for package, path in (("postgresql-15", POSTGRES), ("redis-server", REDIS)) if not path.exists()]
    if missing:
        sys.stderr.write(
            f"This needs Debian's own servers, which are not installed: apt-get install {' '.join(missing)}\n"
        )
        return 1
    given = ("DATABASE_URL", "REDIS_URL", *servers.ROLE_VARIABLES)
    environment = {name: value for name, value in os.environ.items() if name not in given}
    environment |= {
        "PERENNIAL_STATE": str(servers.state_dir(os.environ) / "debian"),
        "PERENNIAL_PG_BIN": str(POSTGRES),
        "PERENNIAL_REDIS_BIN": str(REDIS),
    }
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerError as error:
        sys.exit(str(error))
