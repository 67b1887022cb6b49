"""A welcome and a tier-up to each member who may get one, from the fact to the mailbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.loyalty.conftest import buy
from tests.tenants.delivery.conftest import mails, settings, texts  # noqa: F401  # fixtures

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def newcomer(scope):
    """newcomer("1001", email="…"): a member who joined now, with consent unless told otherwise, committed."""
    from loyalty.members.services import create_member
    from tenants.delivery import services

    def make(number="1001", *, email="", phone="", programme=True, joined_at=None, **given):
        member = create_member(number=number, joined_at=joined_at or datetime.now(UTC), **given)
        for channel, value in (("email", email), ("sms", phone)):
            if value:
                address = services.set_address(person_id=member.id, channel=channel, value=value)
                services.set_consent(address_id=address.id, purpose="programme", granted=programme, source="till")
        scope.commit()
        return member

    return make


@pytest.fixture
def work(context, scope, tenant):
    """Do everything that relay and workers would do, in scope-free processes of their own."""
    import contextvars

    from tenants.relay import drain

    def run() -> None:
        scope.rollback()

        def inside() -> None:
            with context.app_context():
                drain(tenant.id)

        contextvars.Context().run(inside)

    return run


def told(scope, template):
    from tenants.delivery.models import Message

    query = select(Message.state, Message.reason).where(Message.template == template).order_by(Message.id)
    return [tuple(row) for row in scope.execute(query)]


def test_a_new_member_is_greeted_once(mails, newcomer, work, tenant):  # noqa: F811
    member = newcomer(email="ann@example.com", name="Ann Lee")
    work()
    work()
    (mail,) = mails.to("ann@example.com")
    text = mail.get_body(("plain",)).get_content()
    assert "Ann Lee" in text
    assert member.number in text
    assert "Welcome" in mail["Subject"]
    assert f"/t/{tenant.slug}/" in text
    assert "Reply STOP" not in text


def test_whoever_may_not_be_told_has_a_reason(scope, mails, texts, newcomer, work):  # noqa: F811
    newcomer("1", email="a@example.com", programme=False)
    newcomer("2")
    newcomer("3", email="c@example.com", joined_at=datetime.now(UTC) - timedelta(days=30))
    newcomer("4", phone="07911 123456")
    work()
    assert mails.got == []
    assert sorted(told(scope, "welcome"), key=str) == [
        ("not_sent", "no_address"),
        ("not_sent", "no_consent"),
        ("not_sent", "too_old"),
        ("sent", None),
    ]
    assert texts.got[0]["to"] == "+447911123456"


def test_the_latest_tier_is_told_once_with_what_it_means(scope, mails, newcomer, work):  # noqa: F811
    from loyalty.purchases.services import record_purchases
    from loyalty.tiers.queries import ladder

    member = newcomer(email="ann@example.com", name="Ann", locale="en")
    now = datetime.now(UTC)
    record_purchases([buy("R-1", 10, at=now)], source="till")
    levels = ladder()
    first, second = levels[1], levels[2]
    record_purchases([buy("R-2", first.from_minor, at=now)], source="till")
    record_purchases([buy("R-3", second.from_minor, at=now)], source="till")
    scope.commit()
    work()
    subjects = [mail["Subject"] for mail in mails.to("ann@example.com")]
    assert sorted(told(scope, "tier_up")) == [("not_sent", "overtaken"), ("sent", None)]
    assert f"You are now {second.name['en']}" in subjects
    mail = next(mail for mail in mails.to("ann@example.com") if "You are now" in mail["Subject"])
    text = mail.get_body(("plain",)).get_content()
    assert "12 months" in text
    assert "until" in text
    assert "points" in text
    assert member.name in text
    record_purchases([buy("R-4", 10, at=now)], source="till")
    scope.commit()
    work()
    assert len(told(scope, "tier_up")) == 2


def test_each_member_reads_their_own_language(mails, newcomer, work):  # noqa: F811
    newcomer("1", email="en@example.com", name="Ann", locale="en")
    newcomer("2", email="hans@example.com", name="李芳", locale="zh_Hans")
    newcomer("3", email="hant@example.com", name="李芳", locale="zh_Hant")
    work()
    tags = {
        to: mail.get_body(("html",)).get_content().split('lang="')[1].split('"')[0] for _from, to, mail in mails.got
    }
    assert tags == {"en@example.com": "en", "hans@example.com": "zh-Hans", "hant@example.com": "zh-Hant"}


def test_a_history_import_writes_to_nobody_and_costs_little(scope, mails, work, query_count):  # noqa: F811
    from loyalty.members.services import MemberRow, ensure_members
    from loyalty.messages import services
    from tenants.events import Event

    long_ago = datetime.now(UTC) - timedelta(days=700)
    ensure_members([MemberRow(str(n), joined_at=long_ago) for n in range(400)])
    scope.commit()
    events = scope.scalars(select(Event).where(Event.kind == "member.joined")).all()
    with query_count() as seen:
        assert services.welcome(events) == 0
    assert len(seen) <= 6, seen
    scope.commit()
    assert set(told(scope, "welcome")) == {("not_sent", "too_old")}
    work()
    assert mails.got == []


def test_who_left_meanwhile_is_not_greeted(scope, mails, newcomer, work):  # noqa: F811
    member = newcomer(email="ann@example.com")
    member.status = "left"
    scope.commit()
    work()
    assert sorted(told(scope, "welcome"), key=str) == [("not_sent", "cancelled")]
    assert mails.got == []
