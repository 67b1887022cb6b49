"""The installation's own secret, made once and kept in the state directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def installation_secret(state: Path) -> str:
    """Return the secret of this installation (64 hex digits), making it on the first call.

    Safe when several processes start at once: the file appears whole or not at all, first one wins.
    """
    path = state / "secret_key"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret_key.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
