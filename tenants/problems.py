"""Renders failures: RFC 9457 problems for programs, a fragment for htmx, a page for people."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from tenants.errors import AppError, Conflict, Denied, Malformed, NotFound, TooMany, Unauthenticated
from tenants.web import wants_fragment

log = structlog.get_logger("problems")

_BY_STATUS: dict[int, type[AppError]] = {401: Unauthenticated, 403: Denied, 404: NotFound, 409: Conflict, 429: TooMany}


def _is_api() -> bool:
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def problem(error: AppError) -> dict[str, Any]:
    """The RFC 9457 body: `type` and `code` are stable, `detail` is for people, `request_id` for support."""
    body: dict[str, Any] = {
        "type": f"urn:perennial:problem:{error.code}",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "code": error.code,
        "detail": str(error.sentence),
        "request_id": g.get("request_id", ""),
    }
    if isinstance(error, Malformed) and error.errors:
        body["errors"] = {key: [str(item) for item in value] for key, value in error.errors.items()}
    body.update({key: value for key, value in error.detail.items() if key not in body})
    return body


def render(error: AppError) -> Response:
    """The answer to a failure in the form the caller understands."""
    if _is_api():
        response = jsonify(problem(error))
        response.content_type = "application/problem+json"
    else:
        template = "errors/_problem.html" if wants_fragment() else "errors/problem.html"
        response = make_response(render_template(template, error=error, request_id=g.get("request_id", "")))
    response.status_code = error.status
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated) and _is_api():
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _flat(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    if isinstance(messages, list):
        return {prefix or "_schema": [str(item) for item in messages]}
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        found.update(_flat(value, name) if isinstance(value, dict | list) else {name: [str(value)]})
    return found


def from_validation(error: ValidationError) -> Malformed:
    """marshmallow's messages as our refusal."""
    return Malformed(_flat(error.messages))


def from_http(error: HTTPException) -> AppError:
    """Flask's and Werkzeug's own refusals as ours."""
    status = error.code or 500
    if status == 422 and getattr(error, "exc", None) is not None:  # webargs
        return from_validation(error.exc)  # type: ignore[attr-defined]
    known = _BY_STATUS.get(status)
    if known:
        return known()
    found = AppError(error.description, code=(error.name or "error").lower().replace(" ", "_"))
    found.status = status
    return found


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(AppError, render)
    app.register_error_handler(ValidationError, lambda error: render(from_validation(error)))
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _csrf(_error: CSRFError) -> Response:
    sentence = _("This form was open for too long. Go back, reload the page and send it again.")
    found = AppError(sentence, code="form_expired")
    found.status = 400
    return render(found)


def _http(error: HTTPException) -> Response:
    if error.code and error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # redirects of the router
    return render(from_http(error))


def _bug(error: Exception) -> Response:
    log.error("unhandled", exc_info=error, reference=g.get("request_id", ""))
    return render(AppError())
