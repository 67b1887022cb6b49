"""Verbs of the directory: a tenant is made, branded, configured, reached by more names."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from config.extensions import db
from config.settings import get_settings
from tenants.directory import queries, rules
from tenants.directory.facts import BrandingChanged, HostAdded, HostRemoved, SettingsChanged
from tenants.directory.models import BrandFile, Tenant, TenantHost
from tenants.errors import Conflict, Malformed, NotFound
from tenants.events import record
from tenants.ids import new_id
from tenants.info import forget_tenants
from tenants.scope import current_tenant_id, system_session


def create_tenant(*, slug: str, name: str, country: str, locale: str, currency: str, zone: str, **more: Any) -> UUID:
    """Make a tenant and return its id. Committed by itself, as the system role.

    Raises Conflict("slug_taken"). `country` ISO 3166-1, `currency` ISO 4217, `zone` IANA.
    """
    tenant_id = new_id()
    row = Tenant(
        id=tenant_id, slug=slug, name=name, country=country, locale=locale, currency=currency, zone=zone, **more
    )
    try:
        with system_session() as session:
            session.add(row)
    except IntegrityError as error:
        if "slug" not in str(error.orig):
            raise
        raise Conflict(_l("This short name is taken."), code="slug_taken") from error
    forget_tenants()
    return tenant_id


# ---------------------------------------------------------------- branding


def change_branding(
    *, accent: str, card: str, card_style: str = "plain", logo: Any = None, no_logo: bool = False
) -> None:
    """Change colours, card and logo (an upload with `.read()`). Raises Malformed next to the field.

    Colours on which words could not be read are refused, with the nearest that passes.
    """
    faults = {"accent": rules.accent_fault(accent), "card": rules.card_fault(card)}
    if any(faults.values()):
        raise Malformed({name: [fault] for name, fault in faults.items() if fault})
    tenant = queries.own_tenant()
    wanted = {**tenant.branding, "accent": accent.lower(), "card": card.lower(), "card_style": card_style}
    if logo is not None:
        wanted["logo"] = _keep_logo(logo.read(rules.LARGEST_LOGO + 1))
    elif no_logo:
        wanted.pop("logo", None)
    changed = {name: value for name, value in wanted.items() if tenant.branding.get(name) != value}
    if changed or len(wanted) != len(tenant.branding):
        tenant.branding = wanted
        record(BrandingChanged(changed=changed))
        forget_tenants()


def _keep_logo(content: bytes) -> str:
    kind = rules.picture_type(content)
    if len(content) > rules.LARGEST_LOGO:
        raise Malformed({"logo": [_l("The picture may have at most 512 kB.")]})
    if kind is None:
        raise Malformed({"logo": [_l("Choose a PNG, JPEG or WebP picture.")]})
    digest = hashlib.sha256(content).hexdigest()[:16]
    kept = queries.logo() or BrandFile(kind="logo")
    kept.content, kept.content_type, kept.digest = content, kind, digest
    db.session.add(kept)
    return digest


# ---------------------------------------------------------------- settings


def change_settings(*, name: str, locale: str, zone: str, message_max_age_days: int) -> None:
    """Change the tenant's name, locale, zone and the age from which facts send no message any more (days)."""
    tenant = queries.own_tenant()
    before = {"name": tenant.name, "locale": tenant.locale, "zone": tenant.zone, **tenant.settings}
    after = {"name": name, "locale": locale, "zone": zone, "message_max_age_days": message_max_age_days}
    changed = {key: [before.get(key), value] for key, value in after.items() if before.get(key) != value}
    if not changed:
        return
    tenant.name, tenant.locale, tenant.zone = name, locale, zone
    tenant.settings = {**tenant.settings, "message_max_age_days": message_max_age_days}
    record(SettingsChanged(changed={key: pair for key, pair in changed.items() if key != "name"} or {"name": True}))
    forget_tenants()


def add_host(*, host: str, primary: bool = False) -> str:
    """Let the tenant be reached by a host name of its own; returns it as kept. Raises Malformed."""
    name = rules.normal_host(host)
    if name is None:
        raise Malformed({"host": [_l("Write a host name such as club.example.com.")]})
    if name == get_settings().platform_host:
        raise Malformed({"host": [_l("This is the address of the installation itself.")]})
    try:
        with db.session.begin_nested():  # another tenant's host is seen by its unique key only
            db.session.add(TenantHost(host=name, tenant_id=current_tenant_id()))
    except IntegrityError as error:
        raise Malformed({"host": [_l("This name is in use.")]}) from error
    if primary:
        _set_primary(name)
    record(HostAdded(host=name))
    forget_tenants()
    return name


def remove_host(host: str) -> None:
    """Give a host name back. Raises NotFound."""
    row = db.session.scalar(select(TenantHost).where(TenantHost.host == host))
    if row is None:
        raise NotFound
    db.session.delete(row)
    if queries.own_tenant().settings.get("primary_host") == host:
        _set_primary("")
    record(HostRemoved(host=host))
    forget_tenants()


def _set_primary(host: str) -> None:
    tenant = queries.own_tenant()
    tenant.settings = {**tenant.settings, "primary_host": host}
