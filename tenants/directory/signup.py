"""The verb of sign-up: a new tenant and the invitation of its first owner."""

from __future__ import annotations

from uuid import UUID

from flask_babel import lazy_gettext as _l

from config.extensions import db
from tenants.accounts import mails
from tenants.accounts.services import invite
from tenants.directory import places
from tenants.directory.facts import TenantOpened
from tenants.directory.services import create_tenant
from tenants.errors import Conflict, Malformed
from tenants.events import record
from tenants.scope import tenant_scope


def open_tenant(
    *, name: str, country: str, email: str, slug: str = "", locale: str = "", currency: str = "", zone: str = ""
) -> UUID:
    """Make a tenant and invite its owner by mail; returns the tenant's id. Committed by itself.

    What is left empty follows from the country. Nothing tells whether the address has an account: the
    mail's link asks for a new password or for the one there is, and proves the address either way.
    """
    suggested = places.for_country(country)
    chosen = slug or places.slug_of(name)
    if not places.is_slug(chosen):
        raise Malformed({"slug": [_l("Use two to forty small letters and digits, with single dashes between them.")]})
    try:
        tenant_id = create_tenant(
            slug=chosen,
            name=name,
            country=country,
            locale=locale or suggested.locale,
            currency=currency or suggested.currency,
            zone=zone or suggested.zone,
        )
    except Conflict as taken:
        raise Malformed({"slug": [taken.sentence]}) from taken
    db.session.rollback()  # a scope cannot be entered inside a transaction
    with tenant_scope(tenant_id):
        row, token = invite(email=email, roles=["owner"])
        mails.send_invitation(row, token, invited_by="", locale=locale or suggested.locale)
        record(TenantOpened(slug=chosen, country=country))
        db.session.commit()  # ast-grep-ignore: commit-outside-edge (the new tenant's scope; the request has none)
    return tenant_id
