"""Shows a mail inside a page: in a frame of its own that can do nothing."""

from __future__ import annotations

from flask import Response, make_response

from tenants.edge import CSP

# A mail brings its own styles and must not bring anything else: no script, no form, no request.
MAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def framed(html: str) -> Response:
    """The mail's HTML as the frame's content."""
    # Links open in a tab of their own, since nothing of ours lets itself be framed.
    response = make_response(html.replace("<head>", '<head><base target="_blank">', 1))
    response.headers["Content-Security-Policy"] = MAIL_CSP
    return response


def with_frame(response: Response) -> Response:
    """The page around it, which may hold a frame of our own."""
    response.headers["Content-Security-Policy"] = f"{CSP}; frame-src 'self'"
    return response
