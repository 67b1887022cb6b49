"""The gates of the schema: one head, models and tables agree, and the SQL is safe on a database in use."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from config import bootstrap, servers, testing
from config.processes import ServerError

ROOT = bootstrap.ROOT
SQUAWK = Path(sys.executable).parent / "squawk"
# prefer-robust-stmts: Alembic runs each migration in one transaction. require-timeout-settings: env.py sets them.
# prefer-text-field, prefer-identity: the models decide types. ban-char-field: ISO codes have exactly so many letters.
# prefer-bigint-over-int: attempts, line numbers and ranks stay small. transaction-nesting: Alembic prints its own BEGIN.
EXCLUDED = (
    "prefer-robust-stmts",
    "require-timeout-settings",
    "prefer-text-field",
    "prefer-identity",
    "ban-char-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "transaction-nesting",
)


def configuration(url: str | None = None) -> Config:
    """Alembic's configuration, for the database at ``url``."""
    result = Config(str(ROOT / "alembic.ini"))
    result.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    if url:
        result.attributes["url"] = url
    return result


def one_head() -> list[str]:
    """A sentence if the migrations have forked."""
    heads = ScriptDirectory.from_config(configuration()).get_heads()
    return [] if len(heads) == 1 else [f"The migrations have {len(heads)} heads: {', '.join(heads)}. Chain them."]


def agreement() -> list[str]:
    """A sentence if a model and its table differ, or the migrations do not run."""
    claimed = servers.lease({**os.environ, "PERENNIAL_STATE": str(servers.state_dir(os.environ) / "test")})
    try:
        urls = testing.fresh_database(claimed.environment["DATABASE_URL"], "perennial_check")
        try:
            with redirect_stdout(io.StringIO()):
                command.check(configuration(urls.owner))
        except CommandError as error:
            return [f"Models and migrations differ: {error}"]
        finally:
            testing.drop_database(claimed.environment["DATABASE_URL"], "perennial_check")
    finally:
        claimed.release()
    return []


def safety() -> list[str]:
    """What squawk says about the SQL of all migrations, run on a database in use."""
    text = io.StringIO()
    settings = configuration()
    settings.output_buffer = text
    command.upgrade(settings, "head", sql=True)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as handle:
        handle.write(text.getvalue())
        handle.flush()
        options = ["--assume-in-transaction", "--pg-version=15.0", f"--exclude={','.join(EXCLUDED)}"]
        done = subprocess.run([SQUAWK, *options, handle.name], capture_output=True, text=True, check=False)
    return [done.stdout + done.stderr] if done.returncode else []


def main() -> int:
    """0 if all three hold."""
    found = one_head() or [*agreement(), *safety()]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerError as error:
        sys.exit(str(error))
