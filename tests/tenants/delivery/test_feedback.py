"""What comes back is honoured: one-click unsubscribe, STOP, bounces, complaints."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from sqlalchemy import select

from config.extensions import db
from tenants.delivery import feedback, queries, sender
from tenants.delivery.models import Message, Suppression
from tenants.delivery.rules import reply_means, segments
from tenants.delivery.tokens import bounce_local, door_token, unsubscribe_token

pytestmark = pytest.mark.usefixtures("settings", "scope")


@pytest.fixture
def link(app, tenant):
    """The path of a message's unsubscribe page."""

    def path(message, of=None):
        token = unsubscribe_token(app.config["SECRET_KEY"], tenant_id=(of or tenant).id, message_id=message.id)
        return f"/t/{tenant.slug}/unsubscribe/{token}"

    return path


@pytest.fixture
def door(app, tenant, client):
    """Post to one of the doors as the gateway would."""

    def post(path, name, json, token=None, slug=None):
        headers = {"Authorization": f"Bearer {token or door_token(app.config['SECRET_KEY'], name, tenant.id)}"}
        return client.post(f"/t/{slug or tenant.slug}/hooks/{path}", json=json, headers=headers)

    return post


def test_the_link_in_the_mail_is_the_one_that_works(mails, person, welcome, link, client):
    message = welcome(person(email="ann@example.com"))
    sender.send_batch()
    header = mails.got[0][2]["List-Unsubscribe"]
    assert header.strip("<>").endswith(link(message))
    assert client.get(link(message)).status_code == 200


def test_looking_changes_nothing_and_one_click_ends_it(person, welcome, link, client):
    ann = person(email="ann@example.com", marketing=True)
    message = welcome(ann)
    page = client.get(link(message))
    assert "a···@example.com" in page.text
    assert "ann@example.com" not in page.text
    db.session.rollback()
    assert queries.addresses_of(ann)[0].programme is True
    done = client.post(link(message), data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert "unsubscribed" in done.text
    db.session.rollback()
    (address,) = queries.addresses_of(ann)
    assert (address.programme, address.marketing) == (False, False)
    assert db.session.scalars(select(Suppression.reason)).all() == ["unsubscribed"]
    assert {row.source for row in queries.consent_history(address.id)[:2]} == {"unsubscribe"}
    assert welcome(ann).reason == "unsubscribed"
    assert client.post(link(message)).status_code == 200  # again changes nothing
    sender.send_batch()
    db.session.refresh(message)
    assert (message.state, message.reason) == ("not_sent", "unsubscribed")


def test_who_shares_the_address_is_not_written_to_either(person, welcome, link, client):
    ann, bob = person(email="home@example.com"), person(email="Home@example.com")
    client.post(link(welcome(ann)))
    db.session.rollback()
    assert welcome(bob).reason == "unsubscribed"


def test_a_choice_per_purpose_works_without_signing_in(person, welcome, link, client):
    ann = person(email="ann@example.com", marketing=True)
    message = welcome(ann)
    client.post(link(message))
    saved = client.post(f"{link(message)}/choices", data={"purposes": ["programme"]})
    assert saved.status_code == 303
    db.session.rollback()
    (address,) = queries.addresses_of(ann)
    assert (address.programme, address.marketing) == (True, False)
    assert db.session.scalars(select(Suppression.id)).all() == []  # who agrees again is off the list
    assert "checked" in client.get(link(message)).text


def test_a_forged_or_foreign_link_is_not_found(person, welcome, link, client, other_tenant):
    message = welcome(person(email="ann@example.com"))
    assert client.post(link(message)[:-3] + "xxx").status_code == 404
    assert client.post(link(message, of=other_tenant)).status_code == 404
    assert client.post(link(message).replace("/t/", "/t/") + "/choices").status_code == 303


def test_stop_ends_texts_and_start_lifts_it(person, welcome, door):
    ann = person(email="ann@example.com", phone="+447911123456")
    assert door("sms/reply", "sms", {"from": "07911 123456", "text": " Stop. "}).json == {"understood": "stop"}
    db.session.rollback()
    assert {a.channel: a.programme for a in queries.addresses_of(ann)} == {"email": True, "sms": False}
    assert welcome(ann, channels=("sms",)).reason == "suppressed"
    assert welcome(ann).channel == "email"
    assert door("sms/reply", "sms", {"from": "+447911123456", "text": "start"}).json == {"understood": "start"}
    db.session.rollback()
    assert db.session.scalars(select(Suppression.id)).all() == []
    assert welcome(ann, channels=("sms",)).reason == "no_consent"  # START is no consent


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("TD", "stop"),
        ("退订", "stop"),
        ("退訂。", "stop"),
        ("unsubscribe", "stop"),
        ("I will stop by", None),
        ("", None),
    ],
)
def test_words_that_mean_stop(text, meant):
    assert reply_means(text) == meant


@pytest.mark.parametrize(
    ("letter", "length", "encoding", "count"),
    [
        ("x", 160, "GSM-7", 1),
        ("x", 161, "GSM-7", 2),
        ("€", 80, "GSM-7", 1),
        ("积", 70, "UCS-2", 1),
        ("积", 71, "UCS-2", 2),
    ],
)
def test_texts_are_counted_as_they_are_billed(letter, length, encoding, count):
    assert segments(letter * length) == (encoding, count)


def test_doors_ask_for_their_token(door, client, tenant, other_tenant):
    body = {"from": "+447911123456", "text": "STOP"}
    assert door("sms/reply", "sms", body, token="guess").status_code == 401
    assert door("report", "sms", body).status_code == 401  # another door's token
    assert door("sms/reply", "sms", body, slug=other_tenant.slug).status_code == 401
    assert client.post("/hooks/sms/reply", json=body).status_code == 404  # outside every tenant
    assert client.post(f"/t/{tenant.slug}/hooks/mail/bounce", data=b"").status_code == 404
    assert client.post("/hooks/mail/bounce", data=b"").status_code == 401
    assert door("sms/reply", "sms", {"from": ""}).status_code == 422


def test_a_report_of_a_bounce_ends_the_address(person, welcome, door):
    ann = person(email="ann@example.com")
    message = welcome(ann)
    told = {"id": str(message.id), "state": "bounced", "reason": "550 no such user"}
    assert door("report", "report", told).json == {"known": True}
    db.session.rollback()
    db.session.refresh(message)
    assert message.state == "failed"
    assert queries.addresses_of(ann)[0].bounced_at
    assert welcome(ann).reason == "bounced"
    feedback.unsuppress(db.session.scalars(select(Suppression.id)).one())
    db.session.commit()
    assert welcome(ann).state == "queued"


def test_a_complaint_ends_what_needs_consent(person, welcome, door):
    ann = person(email="ann@example.com")
    assert door("report", "report", {"id": str(welcome(ann).id), "state": "complaint"}).json == {"known": True}
    db.session.rollback()
    assert welcome(ann).reason == "suppressed"
    assert welcome(ann, template="signin_code", purpose="signin").state == "queued"


def dsn(*, to: str, status: str, action: str = "failed", original: str = "") -> bytes:
    """A delivery report as a mail server writes it."""
    lines = [
        "From: MAILER-DAEMON@mx.example.com",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "I am sorry.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.com",
        "",
        "Final-Recipient: rfc822; ann@example.com",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; 550 {status} not here",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {original}",
        "Subject: Welcome",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


@pytest.fixture
def come_back(app, client):
    """Pipe a mail into the bounce door."""

    def post(content: bytes, recipient: str = ""):
        token = door_token(app.config["SECRET_KEY"], "bounce")
        query = {"token": token, "recipient": recipient}
        return client.post("/hooks/mail/bounce", data=content, query_string=query, content_type="message/rfc822").json

    return post


def test_a_bounce_by_mail_finds_its_message_by_address_or_message_id(app, tenant, person, welcome, come_back):
    for by_address in (True, False):
        ann = person(email=f"ann{by_address}@example.com")
        message = welcome(ann)
        local = bounce_local(app.config["SECRET_KEY"], "bounces", tenant_id=tenant.id, message_id=message.id)
        to = f"{local}@mail.example.com" if by_address else "no-reply@perennial.example"
        original = "" if by_address else message.message_id
        assert come_back(dsn(to=to, status="5.1.1", original=original)) == {"known": True}
        db.session.rollback()
        db.session.refresh(message)
        assert message.state == "failed"
        assert queries.addresses_of(ann)[0].bounced_at


def test_what_is_no_final_bounce_changes_nothing(app, tenant, person, welcome, come_back):
    ann = person(email="ann@example.com")
    message = welcome(ann)
    delayed = dsn(to="x@example.com", status="4.4.1", action="delayed", original=message.message_id)
    assert come_back(delayed) == {"known": False}
    note = EmailMessage()
    note["Subject"], note["To"] = "Out of office", "no-reply@perennial.example"
    note.set_content("Back on Monday.")
    assert come_back(note.as_bytes()) == {"known": False}
    assert come_back(b"\xff\xfe nonsense") == {"known": False}
    full = dsn(to="x@example.com", status="5.2.2", original=message.message_id)
    assert come_back(full) == {"known": True}  # a full mailbox fails the message, not the address
    db.session.rollback()
    assert queries.addresses_of(ann)[0].bounced_at is None
    assert db.session.scalars(select(Message.state)).all() == ["failed"]


def test_a_stricter_reason_replaces_a_weaker_one(scope):
    first = feedback.suppress(channel="email", value="Ann@example.com", reason="unsubscribed")
    second = feedback.suppress(channel="email", value="ann@example.com", reason="hard_bounce")
    third = feedback.suppress(channel="email", value="ann@example.com", reason="unsubscribed")
    db.session.refresh(third)
    assert first.id == second.id == third.id
    assert third.reason == "hard_bounce"


def test_the_operator_can_ask_for_the_bounce_door(app):
    import contextvars

    said = contextvars.Context().run(app.test_cli_runner().invoke, args=["delivery", "bounce-door"]).output
    assert "/hooks/mail/bounce" in said
    assert door_token(app.config["SECRET_KEY"], "bounce") in said
