"""Messages go out by a real SMTP conversation and a real HTTP request."""

from __future__ import annotations

import pytest

from config.extensions import db
from tenants.delivery import sender, services

pytestmark = pytest.mark.usefixtures("settings", "scope")


def test_a_mail_arrives_as_text_and_html_with_the_headers_that_mail_asks_for(mails, person, welcome, tenant):
    message = welcome(person(email="Ann@Example.COM"))
    sender.send_batch()
    ((envelope_from, to, mail),) = mails.got
    assert to == "Ann@example.com"
    assert envelope_from == "no-reply@perennial.example"
    assert mail["From"] == f"{tenant.name} <no-reply@perennial.example>"
    assert mail["Message-ID"] == message.message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http")
    assert f"/t/{tenant.slug}/unsubscribe/" in mail["List-Unsubscribe"]
    assert "Welcome" in mail["Subject"]
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert "Ann" in text
    assert "120" in text
    assert f"/t/{tenant.slug}/" in text
    assert "<h1" not in text
    assert "Ann" in html
    assert "unsubscribe" in html
    assert (message.state, message.attempts, message.error) == ("sent", 1, None)
    assert message.body_text
    assert "Ann" in message.body_text


def test_a_text_arrives_once_with_token_and_id(texts, person, welcome):
    message = welcome(person(phone="020 7946 0018"))
    sender.send_batch()
    ((got),) = texts.got
    assert got["to"] == "+442079460018"
    assert got["id"] == str(message.id)
    assert "10001234" in got["text"]
    assert texts.headers[0]["Authorization"] == "Bearer let-me-in"
    assert message.state == "sent"


def test_one_connection_serves_a_batch(mails, person, welcome):
    for number in range(12):
        welcome(person(email=f"p{number}@example.com"))
    assert sender.send_batch().taken == 12
    assert len(mails.got) == 12
    assert mails.connections == 1


def test_the_same_key_sends_once(mails, person, welcome):
    ann = person(email="ann@example.com")
    first, second = (welcome(ann, dedupe_key=f"welcome:{ann}") for _ in range(2))
    assert first.id == second.id
    sender.send_batch()
    sender.send_batch()
    assert len(mails.got) == 1


def test_chinese_arrives_in_the_readers_language(mails, person, welcome):
    welcome(person(email="li@example.com"), locale="zh_Hans_CN", context={"name": "李芳", "number": "88", "points": 5})
    sender.send_batch()
    assert "李芳" in mails.got[0][2].get_body(("html",)).get_content()
    assert 'lang="zh-Hans"' in mails.got[0][2].get_body(("html",)).get_content()


def test_html_in_a_name_stays_text(mails, person, welcome):
    welcome(person(email="x@example.com"), context={"name": "<b>Bob & Co</b>", "number": "1", "points": 0})
    sender.send_batch()
    mail = mails.got[0][2]
    assert "&lt;b&gt;Bob &amp; Co" in mail.get_body(("html",)).get_content()
    assert "<b>Bob & Co</b>" in mail.get_body(("plain",)).get_content()


def test_a_code_goes_without_consent_and_is_not_kept(mails, scope):
    message = services.send_to(
        channel="email",
        address="new@example.com",
        template="signin_code",
        purpose="signin",
        context={"code": "492817", "minutes": 10, "brand": "Harbour", "url": "http://localhost/x", "name": ""},
    )
    db.session.commit()
    sender.send_batch(urgent=True)
    mail = mails.got[0][2]
    assert "492817" in mail["Subject"]
    assert "492817" in mail.get_body(("plain",)).get_content()
    assert mail["List-Unsubscribe"] is None
    assert message.state == "sent"
    assert message.context == {}
    assert message.body_text is None


def test_codes_overtake_newsletters(mails, person, welcome, scope):
    for number in range(3):
        welcome(person(email=f"p{number}@example.com"))
    services.send_mail_to(
        address="staff@example.com", template="reset", context={"url": "u", "minutes": 30, "brand": "B"}
    )
    db.session.commit()
    sender.send_batch(limit=1)
    assert [to for _f, to, _m in mails.got] == ["staff@example.com"]


def test_bounces_have_an_address_that_names_the_message(mails, person, welcome, settings, app):
    from tenants.delivery.tokens import read_bounce_local
    from tenants.scope import current_tenant_id

    settings(bounce_address="bounces@mail.example.com")
    message = welcome(person(email="ann@example.com"))
    sender.send_batch()
    local, _at, host = mails.got[0][0].partition("@")
    assert host == "mail.example.com"
    assert len(local) <= 64
    assert read_bounce_local(app.config["SECRET_KEY"], local.upper()) == (current_tenant_id(), message.id)
    assert read_bounce_local(app.config["SECRET_KEY"], local[:-1] + "0") is None or local.endswith("0")
