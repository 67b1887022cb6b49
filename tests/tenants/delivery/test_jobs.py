"""From the fact to the mailbox: the jobs start by themselves, retry by themselves, and never mix tenants."""

from __future__ import annotations

import contextvars
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from config.extensions import db
from tenants.delivery import jobs, queries, sender, services
from tenants.delivery.models import Message
from tenants.ids import new_id
from tenants.scope import tenant_scope
from tenants.tasks import Task

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def work(app):
    """Do all that a tenant's relay and workers owe."""
    from tenants.relay import drain

    def run(tenant):
        def inside():
            with app.app_context():
                done = drain(tenant.id)
                db.session.remove()
                return done

        return contextvars.Context().run(inside)

    return run


def code(address: str) -> Message:
    context = {"code": "1", "minutes": 10, "brand": "B", "name": "", "url": ""}
    return services.send_to(channel="email", address=address, template="signin_code", purpose="signin", context=context)


def test_a_commit_is_all_it_takes(scope, tenant, mails, work):
    code("a@example.com")
    db.session.commit()
    work(tenant)
    assert len(mails.to("a@example.com")) == 1


def test_what_was_rolled_back_is_never_sent(scope, tenant, mails, work):
    code("a@example.com")
    db.session.rollback()
    work(tenant)
    assert mails.got == []


def test_a_retry_is_owed_as_one_delayed_task(scope, tenant, mails, work):
    for name in "abc":
        mails.rcpt[f"{name}@example.com"] = ["451 later"]
        code(f"{name}@example.com")
    db.session.commit()
    work(tenant)
    owed = db.session.scalars(select(Task).where(Task.key.like("delivery-%"))).all()
    assert len(owed) == 1
    assert owed[0].due_at > datetime.now(UTC)
    long_ago = func.now() - db.text("interval '1 hour'")
    db.session.execute(update(Message).values(due_at=long_ago))
    db.session.execute(update(Task).where(Task.key.like("delivery-%")).values(due_at=long_ago))
    db.session.commit()
    work(tenant)
    assert len(mails.got) == 3


def test_a_long_queue_is_worked_off_in_batches(scope, tenant, mails, work, monkeypatch):
    monkeypatch.setattr(sender, "BATCH", 5)
    ids = [new_id() for _ in range(23)]
    rows = [services.AddressRow(ident, "email", f"p{n}@example.com") for n, ident in enumerate(ids)]
    done = services.set_addresses_many(rows)
    granted = [services.ConsentRow(ident, "programme", True) for ident in done.ids.values()]
    services.set_consents_many(granted, source="import:1")
    context = {"name": "x", "number": "1", "points": 0}
    services.send_many([services.Outgoing(ident, context) for ident in ids], template="welcome", purpose="programme")
    db.session.commit()
    work(tenant)
    assert len(mails.got) == 23


def test_the_sweep_finds_what_a_killed_job_left(scope, tenant, mails, work):
    message = code("a@example.com")
    message.state, message.claimed_until = "sending", datetime(2026, 1, 1, tzinfo=UTC)
    db.session.commit()
    jobs.sweep(tenant.id, "2026-03-01")
    assert message.state == "sent"
    assert queries.overdue_count(before=datetime.now(UTC)) == 0


def test_tenants_never_meet(context, tenant, other_tenant, mails, work):
    person = new_id()
    for where, name in ((tenant, "ours"), (other_tenant, "theirs")):
        with tenant_scope(where.id):
            services.set_address(person_id=person, channel="email", value=f"{name}@example.com")
            (address,) = queries.addresses_of(person)
            services.set_consent(address_id=address.id, purpose="programme", granted=True, source="test")
            values = {"template": "welcome", "purpose": "programme", "dedupe_key": "the same", "person_id": person}
            services.send(context={"name": name, "number": "1", "points": 0}, **values)
            db.session.commit()
    work(other_tenant)
    assert [to for _from, to, _mail in mails.got] == ["theirs@example.com"]
    work(tenant)
    assert len(mails.got) == 2
    with tenant_scope(tenant.id):
        assert [message.recipient for message in queries.messages_of(person)] == ["ours@example.com"]
