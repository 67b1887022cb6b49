"""Failures with a name, a status and a sentence. Services raise them; only tenants/web.py renders them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l


class AppError(Exception):
    """A refusal that a person or a program can act on. `code` is stable; `sentence` is for people."""

    status = 500
    code = "error"
    sentence: Any = _l("Something went wrong on our side. Nothing was changed.")

    def __init__(self, sentence: Any = None, *, code: str | None = None, **detail: Any) -> None:
        super().__init__(str(code or self.code))
        if sentence is not None:
            self.sentence = sentence
        if code is not None:
            self.code = code
        self.detail = detail


class Malformed(AppError):
    """The input cannot be understood. `errors` maps a field to its sentences."""

    status = 422
    code = "malformed"
    sentence = _l("Some of what was sent cannot be used. See the marked fields.")

    def __init__(self, errors: Mapping[str, Sequence[Any]] | None = None, sentence: Any = None, **kw: Any) -> None:
        super().__init__(sentence, **kw)
        self.errors: dict[str, list[Any]] = {key: list(value) for key, value in (errors or {}).items()}


class Unauthenticated(AppError):
    """Nobody is signed in, or the key is not known."""

    status = 401
    code = "unauthenticated"
    sentence = _l("Sign in first.")


class Denied(AppError):
    """The person is known but their role does not allow this."""

    status = 403
    code = "denied"
    sentence = _l("Your role does not allow this. Ask an owner of your organisation.")


class NotFound(AppError):
    """There is no such thing here; also said of another tenant's things."""

    status = 404
    code = "not_found"
    sentence = _l("There is nothing at this address.")


class Conflict(AppError):
    """A business "no": the request is well formed but the state does not allow it."""

    status = 409
    code = "conflict"
    sentence = _l("This cannot be done in the present state.")


class PlanLimit(AppError):
    """The tenant's plan does not include this or its limit is reached."""

    status = 402
    code = "plan_limit"
    sentence = _l("Your plan's limit is reached.")


class TooMany(AppError):
    """Too many requests; `retry_after` in seconds."""

    status = 429
    code = "too_many_requests"
    sentence = _l("Too many attempts. Wait a moment and try again.")

    def __init__(self, sentence: Any = None, *, retry_after: int = 60, **kw: Any) -> None:
        super().__init__(sentence, **kw)
        self.retry_after = retry_after
