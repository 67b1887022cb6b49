"""What breaks is tried again, with the same Message-ID; what may have gone out twice is listed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from config.extensions import db
from tenants.delivery import queries, sender, services
from tenants.delivery.models import Address, Message, Suppression
from tenants.errors import Conflict
from tests.tenants.delivery.outside import free_port

pytestmark = pytest.mark.usefixtures("settings", "scope")


def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(mails, person, welcome, hurry):
    message = welcome(person(email="ann@example.com"))
    mails.rcpt["ann@example.com"] = ["451 4.3.0 try later", "451 4.3.0 try later"]
    sender.send_batch()
    assert (message.state, message.attempts) == ("queued", 1)
    assert message.due_at > message.created_at
    assert "451" in str(message.error)
    assert sender.send_batch().taken == 0  # not before its time
    for _attempt in range(2):
        hurry()
        sender.send_batch()
    assert (message.state, message.attempts, message.repeated_at) == ("sent", 3, None)
    assert [mail["Message-ID"] for mail in mails.to("ann@example.com")] == [message.message_id]


def test_one_bad_recipient_does_not_hold_up_the_others(mails, person, welcome):
    mails.rcpt["b@example.com"] = ["450 4.2.1 busy"]
    sent = [welcome(person(email=f"{name}@example.com")) for name in "abc"]
    sender.send_batch()
    assert [m.state for m in sent] == ["sent", "queued", "sent"]


def test_it_gives_up_after_some_attempts(mails, person, welcome, hurry):
    message = welcome(person(email="ann@example.com"))
    mails.rcpt["ann@example.com"] = ["451 later"] * 20
    for _attempt in range(10):
        sender.send_batch()
        hurry()
    assert (message.state, message.attempts) == ("failed", 8)
    mails.rcpt["ann@example.com"] = []
    services.retry(message.id)
    db.session.commit()
    sender.send_batch()
    assert message.state == "sent"


def test_a_permanent_refusal_fails_at_once_and_an_unknown_user_ends_the_address(mails, person, welcome):
    ann = person(email="ann@example.com")
    mails.rcpt["ann@example.com"] = ["550 5.1.1 no such user"]
    message = welcome(ann)
    sender.send_batch()
    assert message.state == "failed"
    assert message.bounced_at
    (address,) = queries.addresses_of(ann)
    assert address.bounced_at
    assert "no such user" in str(address.bounce_reason)
    assert welcome(ann).reason == "bounced"
    assert db.session.scalars(select(Suppression.reason)).all() == ["hard_bounce"]
    services.verified(address.id)
    db.session.commit()
    assert welcome(ann).state == "queued"


def test_a_policy_refusal_does_not_end_the_address(mails, person, welcome):
    ann = person(email="ann@example.com")
    mails.data["ann@example.com"] = ["554 5.7.1 we do not like you"]
    assert welcome(ann).state == "queued"
    sender.send_batch()
    assert queries.messages_of(ann)[0].state == "failed"
    assert queries.addresses_of(ann)[0].bounced_at is None


def test_a_server_that_is_down_delays_everything_and_loses_nothing(mails, person, welcome, settings, hurry):
    messages = [welcome(person(email=f"p{n}@example.com")) for n in range(3)]
    settings(smtp_port=free_port())
    batch = sender.send_batch()
    assert batch.taken == 3
    assert batch.down
    assert {m.state for m in messages} == {"queued"}
    assert all(m.handed_at is None for m in messages)
    settings(smtp_port=mails.port)
    hurry()
    sender.send_batch()
    assert {m.state for m in messages} == {"sent"}


def test_a_crash_after_the_hand_over_sends_once_more_and_lists_it(mails, person, welcome, hurry, monkeypatch):
    message = welcome(person(email="ann@example.com"))

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sender, "_record", die)
        with pytest.raises(KeyboardInterrupt):
            sender.send_batch()
    db.session.rollback()
    assert message.state == "handed"
    assert len(mails.got) == 1
    assert sender.send_batch().taken == 0  # it may still be under way
    hurry()
    sender.send_batch()
    assert message.state == "sent"
    assert message.repeated_at
    assert {mail["Message-ID"] for mail in mails.to("ann@example.com")} == {message.message_id}
    assert len(mails.got) == 2
    assert db.session.scalars(queries.maybe_twice()).all() == [message]


def test_a_crash_before_the_hand_over_sends_once(mails, person, welcome, hurry, monkeypatch):
    message = welcome(person(email="ann@example.com"))

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sender, "_hand_over", die)
        with pytest.raises(KeyboardInterrupt):
            sender.send_batch()
    db.session.rollback()
    assert message.state == "sending"
    assert not mails.got
    hurry()
    sender.send_batch()
    assert message.state == "sent"
    assert message.repeated_at is None
    assert len(mails.got) == 1


def test_a_line_that_breaks_after_the_text_is_repeated_once_and_listed(mails, person, welcome, hurry):
    message = welcome(person(email="ann@example.com"))
    mails.data["ann@example.com"] = ["take and hang up"] * 3
    sender.send_batch()
    assert message.state == "queued"
    assert message.repeated_at
    for _attempt in range(3):
        hurry()
        sender.send_batch()
    assert message.state == "failed"
    assert len(mails.got) == 2


def test_a_claim_that_ran_out_is_not_used(person, welcome, hurry):
    message = welcome(person(email="ann@example.com"))
    until = datetime.now(UTC) + sender.CLAIM
    assert sender._claim(now=datetime.now(UTC), until=until, urgent=False, limit=10) == [message]
    db.session.commit()
    hurry()
    assert not sender._hand_over(message.id, until)


def test_an_sms_gateway_in_trouble_is_asked_again(texts, person, welcome, hurry):
    message = welcome(person(phone="+447911123456"))
    texts.answers = [(503, "down"), (409, "taken before")]
    sender.send_batch()
    assert (message.state, texts.got) == ("queued", [])
    hurry()
    sender.send_batch()
    assert message.state == "sent"


def test_a_number_that_does_not_exist_is_not_texted_again(texts, person, welcome):
    ann = person(phone="+447911123456")
    texts.answers = [(422, '{"code": "unknown_number"}')]
    message = welcome(ann)
    sender.send_batch()
    assert message.state == "failed"
    assert db.session.scalars(select(Address.bounced_at)).one() is not None
    assert welcome(ann).reason == "bounced"


def test_a_code_is_not_tried_after_it_lapsed_and_cannot_be_retried(mails, hurry):
    context = {"code": "1", "minutes": 10, "brand": "B", "name": ""}
    message = services.send_to(
        channel="email", address="a@example.com", template="signin_code", purpose="signin", context=context
    )
    mails.rcpt["a@example.com"] = ["451 later"] * 9
    db.session.commit()
    for _attempt in range(5):
        sender.send_batch()
        hurry()
    assert message.state == "failed"
    assert message.context == {}
    assert message.attempts < 5
    with pytest.raises(Conflict):
        services.retry(message.id)


def test_a_broken_template_fails_alone(mails, person, welcome):
    bad = welcome(person(email="a@example.com"), template="nothing_like_it")
    good = welcome(person(email="b@example.com"))
    sender.send_batch()
    assert (bad.state, good.state) == ("failed", "sent")
    assert "nothing_like_it" in str(bad.error)


def test_two_senders_never_take_the_same_message(person, welcome, app, tenant):
    import threading

    from tenants.scope import tenant_scope

    for number in range(16):
        welcome(person(email=f"p{number}@example.com"))
    db.session.commit()
    taken: list[int] = []

    def work() -> None:
        with app.app_context(), tenant_scope(tenant.id):
            taken.append(sender.send_batch().taken)
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 16
    states = db.session.execute(select(Message.state, Message.attempts)).all()
    assert set(states) == {("sent", 1)}
