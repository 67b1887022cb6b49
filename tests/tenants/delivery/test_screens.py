"""The admin's screens: what went out, what was held back and why, the texts, the suppression list."""

from __future__ import annotations

import contextvars
import uuid

import pytest
from sqlalchemy import select

from config.extensions import db
from tenants.delivery import feedback, sender, services
from tenants.delivery.models import Suppression

pytestmark = pytest.mark.usefixtures("settings", "scope")


class Apart:
    """The same client, with nothing of the test's own context."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        return lambda *args, **kw: contextvars.Context().run(getattr(self.client, name), *args, **kw)


@pytest.fixture
def staff(staff_client):
    """staff("manager"): a browser signed in with that role."""
    return lambda *roles, **kw: Apart(contextvars.Context().run(staff_client, *roles, **kw))


def test_the_list_says_what_happened_and_filters_and_exports(staff, person, welcome):
    welcome(person(email="ann@example.com"))
    sender.send_batch()
    welcome(person(email="bob@example.com", programme=False))
    manager = staff("manager")
    page = manager.get("/admin/messages/").text
    assert "ann@example.com" in page
    assert "bob@example.com" in page
    assert "No consent" in page
    held = manager.get("/admin/messages/?state=not_sent").text
    assert "bob@example.com" in held
    assert "ann@example.com" not in held
    assert "ann@example.com" in manager.get("/admin/messages/?q=ANN@").text
    export = manager.get("/admin/messages/?format=csv")
    assert "bob@example.com" in export.text
    export.close()


def test_one_message_shows_its_text_and_why_it_was_held_back(staff, person, welcome):
    ann = person(email="ann@example.com")
    sent = welcome(ann)
    sender.send_batch()
    held = welcome(person(email="bob@example.com", programme=False))
    manager = staff("manager")
    page = manager.get(f"/admin/messages/{sent.id}")
    assert "Welcome" in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    frame = manager.get(f"/admin/messages/{sent.id}/html")
    assert "Ann" in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert "script-src" not in frame.headers["Content-Security-Policy"]
    assert "did not agree" in manager.get(f"/admin/messages/{held.id}").text
    assert "ann@example.com" in manager.get(f"/admin/messages/person/{ann}").text


def test_a_code_is_shown_to_nobody(staff, scope):
    context = {"code": "492817", "minutes": 10, "brand": "B", "name": "", "url": "https://x.example/secret"}
    message = services.send_to(
        channel="email", address="a@example.com", template="signin_code", purpose="signin", context=context
    )
    db.session.commit()
    manager = staff("manager")
    for _state in ("queued", "sent"):
        page = manager.get(f"/admin/messages/{message.id}").text
        assert "492817" not in page
        assert "secret" not in page
        sender.send_batch()
        db.session.rollback()
    assert message.state == "sent"
    assert message.subject is None


def test_a_failed_message_is_tried_again_by_hand(staff, mails, person, welcome):
    message = welcome(person(email="ann@example.com"))
    mails.rcpt["ann@example.com"] = ["554 5.7.1 no"]
    sender.send_batch()
    manager = staff("manager")
    assert "Try again" in manager.get(f"/admin/messages/{message.id}").text
    assert staff("care").post(f"/admin/messages/{message.id}/retry").status_code == 403
    assert manager.post(f"/admin/messages/{message.id}/retry").status_code == 303
    db.session.rollback()
    sender.send_batch()
    assert message.state == "sent"
    assert manager.post(f"/admin/messages/{message.id}/retry").status_code == 409


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_every_text_can_be_looked_at_in_three_languages(staff, language):
    from tenants.delivery import render, texts

    manager = staff("manager")
    overview = manager.get("/admin/messages/templates").text
    assert set(render.names()) == set(texts.kinds())
    for name in render.names():
        for channel in render.channels_of(name):
            assert f"{name}?channel={channel}" in overview
            url = f"/admin/messages/templates/{name}?channel={channel}&language={language}"
            assert manager.get(url).status_code == 200
        frame = manager.get(f"/admin/messages/templates/{name}/html?language={language}")
        assert f'lang="{language.replace("_", "-")}"' in frame.text
    assert manager.get("/admin/messages/templates/nothing").status_code == 404


def test_the_suppression_list_takes_and_gives_back(staff, person, welcome):
    manager = staff("manager")
    wrong = manager.post("/admin/messages/suppressions/add", data={"address": "nonsense"})
    assert wrong.status_code == 422
    assert manager.post("/admin/messages/suppressions/add", data={"address": "Ann@Example.com"}).status_code == 303
    assert "ann@example.com" in manager.get("/admin/messages/suppressions").text
    db.session.rollback()
    assert welcome(person(email="ann@example.com")).reason == "suppressed"
    entry = db.session.scalars(select(Suppression.id)).one()
    db.session.rollback()
    assert staff("care").post(f"/admin/messages/suppressions/{entry}/remove").status_code == 403
    assert manager.post(f"/admin/messages/suppressions/{entry}/remove").status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Suppression.id)).all() == []


def test_only_the_owner_sees_the_gateways_tokens(staff):
    assert staff("manager").get("/admin/messages/doors").status_code == 403
    page = staff("owner").get("/admin/messages/doors").text
    assert "/hooks/sms/reply" in page
    assert "/hooks/mail/bounce" in page


def test_the_list_costs_the_same_however_long_it_is(staff, person, welcome, query_count):
    manager = staff("manager")
    manager.get("/admin/messages/")  # looks the tenant up
    seen = []
    for number in (1, 8):
        for at in range(number):
            welcome(person(email=f"p{number}-{at}@example.com"))
        with query_count() as statements:
            manager.get("/admin/messages/")
        seen.append(len(statements))
    assert seen[0] == seen[1] <= 10


def test_another_tenants_messages_are_not_there(staff, person, welcome, other_tenant):
    message = welcome(person(email="ann@example.com"))
    entry = feedback.suppress(channel="email", value="x@example.com", reason="manual")
    db.session.commit()
    rival = staff("owner", where=other_tenant)
    for path in (f"/{message.id}", f"/{message.id}/html", f"/{uuid.uuid4()}"):
        assert rival.get(f"/admin/messages{path}").status_code == 404
    assert rival.post(f"/admin/messages/{message.id}/retry").status_code == 404
    assert rival.post(f"/admin/messages/suppressions/{entry.id}/remove").status_code == 404
    assert "ann@example.com" not in rival.get("/admin/messages/").text
    assert "ann@example.com" not in rival.get(f"/admin/messages/person/{message.person_id}").text
