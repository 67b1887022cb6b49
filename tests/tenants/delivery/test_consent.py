"""Who may be written to, at which address, and why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from config.extensions import db
from tenants.delivery import feedback, queries, rules, sender, services
from tenants.delivery.models import Consent, Message
from tenants.delivery.rules import Target
from tenants.errors import Malformed
from tenants.ids import new_id

NOTHING: dict[tuple[str, str], str] = {}
MAIL = Target(None, "email", "Ann@example.com")
PHONE = Target(None, "sms", "+447911123456")


def with_consent(target: Target, *purposes: str) -> Target:
    return Target(None, target.channel, target.value, "programme" in purposes, "marketing" in purposes)


@pytest.mark.parametrize(
    ("purpose", "consented", "suppressed", "bounced", "reason"),
    [
        ("signin", (), None, False, None),
        ("account", (), None, False, None),
        ("programme", (), None, False, "no_consent"),
        ("programme", ("programme",), None, False, None),
        ("programme", ("marketing",), None, False, "no_consent"),
        ("marketing", ("programme",), None, False, "no_consent"),
        ("marketing", ("marketing",), None, False, None),
        ("signin", (), "unsubscribed", False, None),
        ("signin", (), "complaint", False, None),
        ("signin", (), "stop", False, "suppressed"),
        ("signin", (), "manual", False, "suppressed"),
        ("signin", (), "hard_bounce", False, "bounced"),
        ("signin", (), None, True, "bounced"),
        ("programme", ("programme",), "unsubscribed", False, "unsubscribed"),
        ("programme", ("programme",), "complaint", False, "suppressed"),
        ("programme", ("programme",), "stop", False, "suppressed"),
        ("programme", ("programme",), None, True, "bounced"),
    ],
)
def test_the_consent_matrix(purpose, consented, suppressed, bounced, reason):
    target = Target(None, "email", "Ann@example.com", "programme" in consented, "marketing" in consented, bounced)
    lists = {("email", "ann@example.com"): suppressed} if suppressed else NOTHING
    assert rules.refusal(target, purpose, lists) == reason


def test_the_first_channel_that_may_be_used_is_used():
    both = [with_consent(PHONE, "programme"), with_consent(MAIL)]
    choice = rules.choose(both, purpose="programme", channels=("email", "sms"), suppressed=NOTHING)
    assert (choice.target, choice.reason) == (both[0], None)
    choice = rules.choose([MAIL, PHONE], purpose="programme", channels=("email", "sms"), suppressed=NOTHING)
    assert (choice.target, choice.reason) == (MAIL, "no_consent")
    choice = rules.choose([], purpose="signin", channels=("email",), suppressed=NOTHING)
    assert (choice.target, choice.reason) == (None, "no_address")


def test_every_message_not_sent_has_a_reason(settings, person, welcome):
    assert welcome(person(email="a@example.com", programme=False)).reason == "no_consent"
    assert welcome(new_id()).reason == "no_address"
    week_ago = datetime.now(UTC) - timedelta(days=7, minutes=1)
    assert welcome(person(email="b@example.com"), occurred_at=week_ago).reason == "too_old"
    nearly = datetime.now(UTC) - timedelta(days=6, hours=23)
    assert welcome(person(email="c@example.com"), occurred_at=nearly).state == "queued"
    settings(sms_url="")
    assert welcome(person(phone="+447911123456")).reason == "no_gateway"


def test_consent_taken_back_while_a_message_waits_holds_it_back(settings, mails, person, welcome):
    ann = person(email="ann@example.com")
    message = welcome(ann)
    (address,) = queries.addresses_of(ann)
    services.set_consent(address_id=address.id, purpose="programme", granted=False, source="portal")
    db.session.commit()
    sender.send_batch()
    assert (message.state, message.reason, mails.got) == ("not_sent", "no_consent", [])


def test_a_replaced_address_is_not_written_to_and_the_new_one_starts_without_consent(settings, mails, person, welcome):
    ann = person(email="ann@example.com")
    message = welcome(ann)
    services.set_address(person_id=ann, channel="email", value="ann@example.org")
    db.session.commit()
    sender.send_batch()
    assert (message.reason, mails.got) == ("no_address", [])
    assert [(a.value, a.programme) for a in queries.addresses_of(ann)] == [("ann@example.org", False)]
    services.set_address(person_id=ann, channel="email", value="")
    assert queries.addresses_of(ann) == []


def test_every_decision_is_kept_once(person):
    ann = person(email="ann@example.com", programme=False)
    (address,) = queries.addresses_of(ann)
    for granted in (True, True, False, False):
        services.set_consent(address_id=address.id, purpose="marketing", granted=granted, source="portal")
        db.session.flush()
    history = queries.consent_history(address.id)
    assert [row.granted for row in history if row.purpose == "marketing"] == [False, True, False]
    assert all(row.actor == "system" for row in history)


def test_an_import_never_overrides_what_a_person_took_back(person):
    ann = person(email="ann@example.com")
    (address,) = queries.addresses_of(ann)
    services.set_consent(address_id=address.id, purpose="programme", granted=False, source="portal")
    rows = [services.ConsentRow(address.id, "programme", True), services.ConsentRow(address.id, "marketing", True)]
    assert services.set_consents_many(rows, source="import:1") == 0  # both were decided in person
    db.session.refresh(address)
    assert (address.programme, address.marketing) == (False, False)
    services.set_consent(address_id=address.id, purpose="programme", granted=True, source="portal")
    assert address.programme is True


def test_many_addresses_and_consents_go_in_with_a_handful_of_statements(scope, query_count):
    people = [new_id() for _ in range(300)]
    rows = [services.AddressRow(p, "email", f"p{n}@Example.com") for n, p in enumerate(people)]
    rows += [services.AddressRow(people[0], "sms", "07911 123456"), services.AddressRow(people[1], "sms", "12")]
    with query_count() as seen:
        done = services.set_addresses_many(rows)
        consents = [services.ConsentRow(ident, "programme", True) for ident in done.ids.values()]
        assert services.set_consents_many(consents, source="import:1") == 301
    assert len(seen) <= 12, seen
    assert (len(done.ids), done.changed) == (301, 301)
    assert [row.value for row in done.invalid] == ["12"]
    assert services.set_addresses_many(rows).changed == 0
    assert services.set_consents_many(consents, source="import:1") == 0
    db.session.flush()
    assert len(db.session.scalars(select(Consent.id)).all()) == 301


def test_a_history_import_costs_a_handful_of_statements(settings, scope, query_count):
    long_ago = datetime.now(UTC) - timedelta(days=400)
    items = [services.Outgoing(new_id(), {"name": "x"}, f"welcome:{n}", long_ago) for n in range(500)]
    with query_count() as seen:
        assert services.send_many(items, template="welcome", purpose="programme") == 0
    assert len(seen) <= 2, seen
    assert set(db.session.execute(select(Message.state, Message.reason)).all()) == {("not_sent", "too_old")}


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("+86 138 0013 8000", "GB", "+8613800138000"),
        ("１３８００１３８０００", "CN", "+8613800138000"),
        ("0086 13800138000", "CN", "+8613800138000"),
        ("12345", "GB", None),
        ("hello", "GB", None),
    ],
)
def test_phone_numbers_are_kept_in_one_way(typed, country, kept):
    from tenants.delivery.phones import normal_phone

    assert normal_phone(typed, country=country) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ann.Lee@EXAMPLE.Com ", "Ann.Lee@example.com"),
        ("ann+x@sub.example.co.uk", "ann+x@sub.example.co.uk"),
        ("李@例子.中国", "李@例子.中国"),
        ("ann@localhost", None),
        ("ann@@example.com", None),
        ("ann example.com", None),
        ("ann@example.com\nBcc: x@example.com", None),
        ("a..b@example.com", None),
    ],
)
def test_mail_addresses_are_kept_in_one_way(typed, kept):
    from tenants.delivery.phones import normal_email

    assert normal_email(typed) == kept


def test_people_are_found_by_address_whatever_the_case(person):
    ann = person(email="Ann@Example.com")
    assert queries.people_at("email", "ann@example.COM", person_kind="member") == [ann]
    assert queries.people_at("email", "ann@example.com", person_kind="partner") == []
    assert queries.people_at_many([("email", "ANN@example.com")], person_kind="member") == {
        ("email", "ann@example.com"): [ann]
    }


def test_a_wrong_address_is_refused_beside_its_field(scope):
    with pytest.raises(Malformed) as refused:
        services.set_address(person_id=new_id(), channel="email", value="nonsense")
    assert list(refused.value.errors) == ["email"]
    with pytest.raises(Malformed) as refused:
        feedback.suppress_by_hand(address="nonsense")
    assert list(refused.value.errors) == ["address"]
