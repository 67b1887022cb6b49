"""The partner portal and the staff's screens of partners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest


@dataclass(frozen=True)
class Network:
    """Two partners with a person each, and a notice for everybody and for each."""

    ours: UUID
    rival: UUID
    user: UUID
    rivals_user: UUID
    for_ours: UUID
    for_rival: UUID


@pytest.fixture
def network(app, tenant) -> Network:
    from channels.partners import services
    from config.extensions import db
    from tenants.catalogue.services import ensure_products
    from tenants.scope import tenant_scope

    def partner(number: str) -> tuple[UUID, UUID, UUID]:
        made = services.add_partner(
            number=number,
            name=f"Company {number}",
            country="GB",
            status="active",
            territory="North",
            since=date(2020, 1, 1),
        )
        person = services.invite_user(
            partner_id=made.id, name=f"Person {number}", email=f"p@{number}.example", locale="en"
        )
        notice = services.publish_notice(title=f"Only for {number}", body="Private matter.", partner_id=made.id)
        services.note_internal_terms(partner_id=made.id, margin_percent=None, note=f"Margin of {number} is thin")
        return made.id, person.id, notice.id

    with app.app_context(), tenant_scope(tenant.id):
        first, second = partner("P1"), partner("P2")
        services.publish_notice(title="For everybody", body="Closed on Monday.")
        ensure_products([("S1", "Kettle", "Kitchen")])
        db.session.commit()
    return Network(first[0], second[0], first[1], second[1], first[2], second[2])


@pytest.fixture
def partner(network, partner_client):
    return partner_client(network.user)


@pytest.fixture
def channel(network, staff_client):
    return staff_client("channel_manager")


def test_a_partner_sees_itself_its_notices_and_the_products(partner):
    home = partner.get("/partner/").text
    assert "Company P1" in home
    assert "Only for P1" in home
    assert "For everybody" in home
    assert "Kettle" in partner.get("/partner/products").text
    assert "Person P1" in partner.get("/partner/people").text


@pytest.mark.parametrize("path", ["/partner/", "/partner/notices", "/partner/people", "/partner/products"])
def test_a_partner_never_meets_the_rival_or_the_margin(partner, path):
    page = partner.get(path)
    assert page.status_code == 200
    assert "P2" not in page.text
    assert "Margin" not in page.text


def test_a_notice_for_the_rival_is_not_there(partner, network):
    assert partner.get(f"/partner/notices/{network.for_ours}").status_code == 200
    assert partner.get(f"/partner/notices/{network.for_rival}").status_code == 404


def test_access_ends_with_the_next_click(partner, channel, network):
    assert partner.get("/partner/").status_code == 200
    assert channel.post(f"/admin/partners/users/{network.user}/end").status_code == 303
    assert partner.get("/partner/").status_code == 303
    assert channel.post(f"/admin/partners/users/{network.user}/restore").status_code == 303
    assert partner.get("/partner/").status_code == 200


def test_a_partner_that_ended_lets_nobody_in(partner, channel, network):
    data = {"name": "Company P1", "number": "P1", "country": "GB", "since": "2020-01-01", "status": "ended"}
    assert channel.post(f"/admin/partners/{network.ours}/edit", data=data).status_code == 303
    assert partner.get("/partner/").status_code == 303


def test_signing_out_works_from_inside_the_partner_scope(partner):
    assert partner.post("/partner/signout").status_code == 303
    assert partner.get("/partner/").status_code == 303


def test_a_withdrawn_notice_is_gone(partner, channel, network):
    assert channel.post(f"/admin/partners/notices/{network.for_ours}/withdraw").status_code == 303
    assert partner.get(f"/partner/notices/{network.for_ours}").status_code == 404
    assert "Only for P1" not in partner.get("/partner/").text


def test_staff_add_a_partner_invite_and_tell(channel, app, tenant):
    data = {
        "name": "New Ltd",
        "number": "P9",
        "country": "GB",
        "territory": "South",
        "since": "2026-01-01",
        "status": "active",
    }
    made = channel.post("/admin/partners/new", data=data)
    assert made.status_code == 303
    path = made.location.split(channel.root)[1]
    assert (
        channel.post(f"{path}/invite", data={"name": "Nia", "email": "nia@new.example", "locale": "en"}).status_code
        == 303
    )
    page = channel.get(path).text
    assert "nia@new.example" in page
    assert channel.post(f"{path}/internal", data={"margin_percent": "12.5", "note": "thin"}).status_code == 303
    assert "12.5%" in channel.get(path).text
    assert channel.post("/admin/partners/notices/new", data={"title": "Hello", "body": "Text"}).status_code == 303
    assert "Hello" in channel.get("/admin/partners/notices").text


def test_an_invitation_is_a_mail(network, app, tenant):
    from sqlalchemy import select

    from config.extensions import db
    from tenants.delivery.models import Message
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        wanted = select(Message).where(Message.person_id == network.user)
        message = db.session.scalars(wanted).one()
        assert (message.template, message.state, message.recipient) == ("partner_invitation", "queued", "p@p1.example")


def test_numbers_and_addresses_are_used_once(channel, network):
    data = {"name": "Twin", "number": "P1", "country": "GB", "since": "2026-01-01", "status": "active"}
    assert channel.post("/admin/partners/new", data=data).status_code == 422
    person = {"name": "Twin", "email": "P@P2.example", "locale": "en"}
    assert channel.post(f"/admin/partners/{network.ours}/invite", data=person).status_code == 422


def test_analysts_read_and_marketers_do_not(staff_client, network):
    assert staff_client("analyst").get("/admin/partners/").status_code == 200
    assert staff_client("analyst").get("/admin/partners/new").status_code == 403
    assert staff_client("marketer").get("/admin/partners/").status_code == 403


def test_lists_take_a_fixed_number_of_statements(channel, partner, query_count):
    channel.get("/admin/partners/")
    with query_count() as seen:
        channel.get("/admin/partners/")
    assert len(seen) <= 3, seen
    partner.get("/partner/")
    with query_count() as seen:
        partner.get("/partner/")
    assert len(seen) <= 6, seen
