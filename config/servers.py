"""The servers of this installation: which addresses hold, and who keeps them running.

With ``DATABASE_URL`` or ``REDIS_URL`` set, those servers are used. Else the
embedded ones are, and whoever needs them (``make run``, a command, the tests)
takes a lease: the first one in starts them, the last one out stops them.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config import bootstrap
from config.embedded import EmbeddedPostgres
from config.embedded_redis import EmbeddedRedis
from config.processes import ServerError, locked, make_private

ROOT = Path(__file__).resolve().parent.parent
ROLE_VARIABLES = ("DATABASE_APP_URL", "DATABASE_OWNER_URL", "DATABASE_SYSTEM_URL")


def state_dir(env: Mapping[str, str]) -> Path:
    """The state directory: ``PERENNIAL_STATE``, else ``./var`` beside the code."""
    return Path(env.get("PERENNIAL_STATE") or ROOT / "var").resolve()


def _embeds_postgres(env: Mapping[str, str]) -> bool:
    return not env.get("DATABASE_URL") and not all(env.get(name) for name in ROLE_VARIABLES)


def addresses(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that name the servers, derived where ``env`` leaves them out. Starts nothing."""
    state = state_dir(env)
    derived = {"PERENNIAL_STATE": str(state), "REDIS_URL": env.get("REDIS_URL") or EmbeddedRedis(state).url()}
    if all(env.get(name) for name in ROLE_VARIABLES):
        return derived | {name: bootstrap.normalised(env[name]) for name in ROLE_VARIABLES}
    admin = env.get("DATABASE_URL") or EmbeddedPostgres(state).url(database=bootstrap.DATABASE)
    urls = bootstrap.derive(admin)
    return derived | {
        "DATABASE_URL": urls.admin,
        "DATABASE_APP_URL": bootstrap.normalised(env.get("DATABASE_APP_URL") or urls.app),
        "DATABASE_OWNER_URL": bootstrap.normalised(env.get("DATABASE_OWNER_URL") or urls.owner),
        "DATABASE_SYSTEM_URL": bootstrap.normalised(env.get("DATABASE_SYSTEM_URL") or urls.system),
    }


@dataclass
class Lease:
    """A claim on the running servers. Release it once; the last one stops what is embedded."""

    environment: dict[str, str]
    postgres: EmbeddedPostgres | None
    redis: EmbeddedRedis | None
    handle: IO[str] | None

    def release(self) -> None:
        """Give the claim back; stop the embedded servers if nobody else has one."""
        handle, self.handle = self.handle, None
        if handle is None:
            return
        with locked(Path(handle.name).with_name("servers.lock")):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                return
            if self.redis:
                self.redis.stop()
            if self.postgres:
                self.postgres.stop()
            handle.close()


def lease(env: Mapping[str, str]) -> Lease:
    """Start the embedded servers that ``env`` asks for, unless they run, and claim them.

    Raises ServerError, in a sentence, when one of them cannot be started.
    """
    state = state_dir(env)
    postgres = EmbeddedPostgres(state) if _embeds_postgres(env) else None
    redis = None if env.get("REDIS_URL") else EmbeddedRedis(state)
    if not (postgres or redis):
        return Lease(addresses(env), None, None, None)
    make_private(state)
    with locked(state / "servers.lock"):
        handle = (state / "servers.users").open("a")
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            if postgres:
                postgres.start()
            if redis:
                redis.start()
        except BaseException:
            handle.close()
            raise
    return Lease(addresses(env), postgres, redis, handle)


def for_this_process() -> dict[str, str]:
    """The environment for a command started by hand, with the servers up until it ends.

    ``make run`` and the tests hand the addresses to their processes, which then
    never come here. A database that has no tables yet gets them.
    """
    try:
        return _claim()
    except ServerError as error:
        raise SystemExit(str(error)) from error  # a command answers with the sentence, not with a traceback


def _claim() -> dict[str, str]:
    claimed = lease(os.environ)
    atexit.register(claimed.release)
    environment = {**os.environ, **claimed.environment}
    if claimed.postgres:
        bootstrap.prepare(environment)
        if not bootstrap.has_schema(environment["DATABASE_OWNER_URL"]):
            bootstrap.migrate(environment["DATABASE_OWNER_URL"])
    return environment
