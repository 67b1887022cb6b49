"""The floor of a page: Flask answering without doing anything."""

from __future__ import annotations

from flask import Flask


def create_app() -> Flask:
    """One empty page, and the health door that the bench waits for."""
    app = Flask(__name__)
    app.add_url_rule("/", "page", lambda: "ok")
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app
