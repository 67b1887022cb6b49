"""What views use of the edge: pages and fragments, redirects after a write."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request


def wants_fragment() -> bool:
    """Whether htmx asks for a part of the page (not for a boosted or restored full page)."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and not (
        headers.get("HX-Boosted") == "true" or headers.get("HX-History-Restore-Request") == "true"
    )


def page(full: str, fragment: str | None = None, *, status: int = 200, **context: Any) -> Response:
    """Render the whole page, or `fragment` when htmx asks for a part. Caches are told they differ."""
    template = fragment if fragment and wants_fragment() else full
    response = make_response(render_template(template, **context), status)
    response.headers.add("Vary", "HX-Request")
    return response


def see_other(url: str) -> Response:
    """Send the browser to `url` after a write: HX-Redirect for htmx, 303 for a plain form."""
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": url})
    response = redirect(url, code=303)
    assert isinstance(response, Response)
    return response
