"""A tenant with people, and gateways that really answer."""

from __future__ import annotations

import contextvars
import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from config.extensions import db
from tenants.ids import new_id
from tests.tenants.delivery.outside import Mails, Texts


@pytest.fixture
def mails() -> Iterator[Mails]:
    """A mail server."""
    server = Mails()
    server.controller.start()
    yield server
    server.controller.stop()


@pytest.fixture
def texts() -> Iterator[Texts]:
    """An SMS gateway."""
    gateway = Texts()
    yield gateway
    gateway.server.shutdown()
    gateway.server.server_close()


@pytest.fixture
def settings(mails: Mails, texts: Texts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """The installation pointed at both; call it to change a setting."""
    from config.settings import get_settings
    from tenants.delivery import gateways, packing

    current = dataclasses.replace(
        get_settings(), smtp_port=mails.port, sms_url=texts.url, sms_token="let-me-in", smtp_host="127.0.0.1"
    )

    def change(**given: Any) -> None:
        nonlocal current
        current = dataclasses.replace(current, **given)

    for module in (gateways, packing):
        monkeypatch.setattr(module, "get_settings", lambda: current)
    return change


class Outsider:
    """A browser or gateway whose requests share nothing with the test: no app context, no scope, no session."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, *args: Any, **kw: Any) -> Any:
        return contextvars.Context().run(self.client.get, *args, **kw)

    def post(self, *args: Any, **kw: Any) -> Any:
        return contextvars.Context().run(self.client.post, *args, **kw)


@pytest.fixture
def client(app: Flask) -> Outsider:
    """Somebody outside, while the test itself stands inside the tenant's scope."""
    return Outsider(app.test_client())


@pytest.fixture
def person(scope: Any) -> Callable[..., uuid.UUID]:
    """person(email="ann@example.com", phone="+44…", programme=True): a new person with these, committed."""
    from tenants.delivery import services

    def make(*, email: str = "", phone: str = "", programme: bool = True, marketing: bool = False) -> uuid.UUID:
        ident = new_id()
        for channel, value in (("email", email), ("sms", phone)):
            if value:
                address = services.set_address(person_id=ident, channel=channel, value=value)
                assert address is not None
                for purpose, granted in (("programme", programme), ("marketing", marketing)):
                    services.set_consent(address_id=address.id, purpose=purpose, granted=granted, source="test")
        db.session.commit()
        return ident

    return make


@pytest.fixture
def hurry(scope: Any) -> Callable[[], None]:
    """Make every waiting message due, and every claim run out, now."""
    from tenants.delivery.models import Message

    def now() -> None:
        long_ago = db.func.now() - db.text("interval '1 hour'")
        db.session.execute(update(Message).where(Message.state == "queued").values(due_at=long_ago))
        claimed = Message.claimed_until.is_not(None)
        db.session.execute(update(Message).where(claimed).values(claimed_until=long_ago))
        db.session.commit()

    return now


WELCOME = {"name": "Ann", "number": "10001234", "points": 120}


@pytest.fixture
def welcome(scope: Any) -> Callable[..., Any]:
    """Queue a welcome message, committed."""
    from tenants.delivery import services

    def queue(person_id: uuid.UUID, **more: Any) -> Any:
        values: dict[str, Any] = {"template": "welcome", "purpose": "programme", "context": WELCOME}
        message = services.send(person_id=person_id, **{**values, **more})
        db.session.commit()
        return message

    return queue
