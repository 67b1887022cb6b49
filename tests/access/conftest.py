"""A member and a partner user, for the table of who may go where."""

from __future__ import annotations

from datetime import date

import pytest

from config.extensions import db
from tenants.scope import tenant_scope


@pytest.fixture
def a_member(app, tenant):
    from loyalty.members.services import create_member

    with app.app_context(), tenant_scope(tenant.id):
        ident = create_member(number="M1", name="Mia").id
        db.session.commit()
    return ident


@pytest.fixture
def a_partner_user(app, tenant):
    from channels.partners.models import Partner, PartnerUser

    with app.app_context(), tenant_scope(tenant.id):
        partner = Partner(number="P1", name="Vale Trading", country="GB", since=date(2024, 1, 1))
        db.session.add(partner)
        db.session.flush()
        user = PartnerUser(partner_id=partner.id, name="Pia", email="pia@vale.example")
        db.session.add(user)
        db.session.flush()
        ident = user.id
        db.session.commit()
    return ident
