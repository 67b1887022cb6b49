"""Settings, read once from the environment; a missing or malformed one is named in a sentence."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from config.secrets import installation_secret

Environment = Literal["development", "production", "test"]
ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """The environment does not describe a runnable installation; the text says what to set."""


@dataclass(frozen=True)
class Settings:
    """Where the servers are and how this process behaves. Times in seconds, addresses as URLs."""

    env: Environment
    database_url: str
    database_owner_url: str
    database_system_url: str
    redis_url: str
    state_dir: Path
    data_dir: Path
    host: str
    port: int
    base_url: str
    platform_host: str
    secret_key: str
    smtp_host: str
    smtp_port: int
    smtp_username: str
    smtp_password: str
    smtp_starttls: bool
    mail_from: str
    bounce_address: str
    sms_url: str
    sms_token: str
    metrics_token: str
    log_level: str
    trusted_proxies: int
    redeliver_seconds: int

    @property
    def files_dir(self) -> Path:
        """Folder under which every tenant has a folder of its own."""
        return self.state_dir / "files"


def _required(env: Mapping[str, str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if not env.get(name)]
    if missing:
        raise SettingsError(f"Set {', '.join(missing)}. `make run` derives them; docs/operations.md lists them all.")


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name) or default)
    except ValueError as error:
        raise SettingsError(f"{name} must be a whole number, not {env[name]!r}.") from error


def _bounce_address(text: str) -> str:
    # Each mail's bounces come back to name+token@host; the token leaves the name seven characters of 64.
    name, at, host = text.partition("@")
    if text and not (at and host and 0 < len(name) <= 7):
        raise SettingsError("BOUNCE_ADDRESS must be name@host with a name of at most 7 characters.")
    return text


def load(env: Mapping[str, str]) -> Settings:
    """Read settings from a mapping. Raises SettingsError naming every missing variable at once."""
    _required(env, ("DATABASE_APP_URL", "DATABASE_OWNER_URL", "DATABASE_SYSTEM_URL", "REDIS_URL"))
    mode = env.get("PERENNIAL_ENV", "development")
    if mode not in ("development", "production", "test"):
        raise SettingsError("PERENNIAL_ENV must be development, production or test.")
    if mode == "production":
        _required(env, ("SECRET_KEY", "BASE_URL"))
    state = Path(env.get("PERENNIAL_STATE") or ROOT / "var").resolve()
    port = _number(env, "PORT", 8000)
    base_url = env.get("BASE_URL") or f"http://localhost:{port}"
    secret = env.get("SECRET_KEY") or installation_secret(state)
    return Settings(
        env=mode,  # type: ignore[arg-type]  # checked three lines above
        database_url=env["DATABASE_APP_URL"],
        database_owner_url=env["DATABASE_OWNER_URL"],
        database_system_url=env["DATABASE_SYSTEM_URL"],
        redis_url=env["REDIS_URL"],
        state_dir=state,
        data_dir=Path(env.get("PERENNIAL_DATA") or ROOT.parent / "shared" / "data").resolve(),
        host=env.get("HOST", "127.0.0.1"),
        port=port,
        base_url=base_url.rstrip("/"),
        platform_host=env.get("PLATFORM_HOST", "").lower(),
        secret_key=secret,
        smtp_host=env.get("SMTP_HOST", "127.0.0.1"),
        smtp_port=_number(env, "SMTP_PORT", 8025),
        smtp_username=env.get("SMTP_USERNAME", ""),
        smtp_password=env.get("SMTP_PASSWORD", ""),
        smtp_starttls=env.get("SMTP_STARTTLS", "") == "1",
        mail_from=env.get("MAIL_FROM", "Perennial <no-reply@perennial.example>"),
        bounce_address=_bounce_address(env.get("BOUNCE_ADDRESS", "")),
        sms_url=env.get("SMS_URL", ""),
        sms_token=env.get("SMS_TOKEN", ""),
        metrics_token=env.get("METRICS_TOKEN") or hashlib.sha256(f"metrics:{secret}".encode()).hexdigest()[:32],
        log_level=env.get("LOG_LEVEL", "INFO").upper(),
        trusted_proxies=_number(env, "TRUSTED_PROXIES", 0),
        redeliver_seconds=_number(env, "REDELIVER_SECONDS", 20),
    )


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process.

    A process started by hand (a flask command, a script) has no server addresses: the servers under
    PERENNIAL_STATE are then found, and started for as long as it lives if they are down.
    """
    if any(os.environ.get(name) for name in ("DATABASE_APP_URL", "DATABASE_OWNER_URL")):
        return load(os.environ)
    from config.servers import for_this_process  # noqa: PLC0415  most processes are handed the addresses

    return load(for_this_process())
