"""Verbs: a partner is added and changed, its people are invited, partners are told something."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypedDict, Unpack
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from channels.partners import queries
from channels.partners.facts import (
    PartnerAdded,
    PartnerChanged,
    PartnerNoticePublished,
    PartnerNoticeWithdrawn,
    PartnerUserEnded,
    PartnerUserInvited,
)
from channels.partners.models import (
    Partner,
    PartnerNotice,
    PartnerTermsInternal,
    PartnerUser,
)
from config.extensions import db
from tenants.delivery.contacts import set_address
from tenants.delivery.services import send_mail_to
from tenants.errors import Malformed
from tenants.events import record
from tenants.ids import new_id
from tenants.info import tenant_info
from tenants.links import tenant_url


class Details(TypedDict):
    """What is known of a partner. `country` is ISO 3166-1, `since` the first day of cooperation."""

    number: str
    name: str
    country: str
    status: str
    territory: str
    since: date


def _flush(field: str, sentence: object) -> None:
    """Surface a unique rule now, so that the sentence can stand next to its field."""
    try:
        db.session.flush()  # as the docstring says
    except IntegrityError as error:
        db.session.rollback()
        raise Malformed({field: [sentence]}) from error


def add_partner(**details: Unpack[Details]) -> Partner:
    """Take a partner on. Raises Malformed on a number that is taken."""
    partner = Partner(id=new_id(), **details)
    db.session.add(partner)
    _flush("number", _l("Another partner has this number."))
    record(PartnerAdded(partner.id))
    return partner


def change_partner(*, partner_id: UUID, **details: Unpack[Details]) -> Partner:
    """Change a partner's data or status. Raises NotFound, or Malformed on a number that is taken."""
    partner = queries.partner(partner_id)
    for name, value in details.items():
        setattr(partner, name, value)
    _flush("number", _l("Another partner has this number."))
    record(PartnerChanged(partner.id, partner.status))
    return partner


def invite_user(*, partner_id: UUID, name: str, email: str, locale: str) -> PartnerUser:
    """Let a person of a partner sign in with this e-mail address. Raises Malformed if it is in use."""
    partner = queries.partner(partner_id)
    user = PartnerUser(
        id=new_id(),
        partner_id=partner.id,
        name=name.strip(),
        email=email.strip().lower(),
        locale=locale,
    )
    db.session.add(user)
    _flush("email", _l("Somebody with this e-mail address can sign in already."))
    set_address(person_id=user.id, channel="email", value=user.email, person_kind="partner")
    _tell(user, partner)
    return user


def _tell(user: PartnerUser, partner: Partner) -> None:
    """Record the invitation and queue the mail that says how to sign in."""
    record(PartnerUserInvited(partner.id, user.id))
    context = {
        "name": user.name,
        "partner": partner.name,
        "brand": tenant_info().name,
        "url": tenant_url("/partner/signin"),
    }
    send_mail_to(
        address=user.email,
        template="partner_invitation",
        locale=user.locale,
        person_kind="partner",
        person_id=user.id,
        context=context,
    )


def end_user(*, user_id: UUID) -> PartnerUser:
    """Take a person's access away; sessions end with the next click. Raises NotFound."""
    user = queries.user(user_id)
    if user.status != "ended":
        user.status = "ended"
        record(PartnerUserEnded(user.partner_id, user.id))
    return user


def restore_user(*, user_id: UUID) -> PartnerUser:
    """Give a person the access back and tell them again. Raises NotFound."""
    user = queries.user(user_id)
    if user.status != "active":
        user.status = "active"
        _tell(user, queries.partner(user.partner_id))
    return user


def publish_notice(*, title: str, body: str, partner_id: UUID | None = None) -> PartnerNotice:
    """Tell all partners something, or one of them. Raises NotFound for an unknown partner."""
    if partner_id is not None:
        queries.partner(partner_id)
    notice = PartnerNotice(
        id=new_id(),
        title=title.strip(),
        body=body.strip(),
        partner_id=partner_id,
        published_at=datetime.now(UTC),
    )
    db.session.add(notice)
    record(PartnerNoticePublished(notice.id, partner_id))
    return notice


def withdraw_notice(*, notice_id: UUID) -> PartnerNotice:
    """Stop showing a notice; it is kept. Raises NotFound."""
    notice = queries.notice(notice_id)
    if notice.withdrawn_at is None:
        notice.withdrawn_at = datetime.now(UTC)
        record(PartnerNoticeWithdrawn(notice.id))
    return notice


def note_internal_terms(*, partner_id: UUID, margin_percent: Decimal | None, note: str) -> PartnerTermsInternal:
    """Write down what only the brand may know of a partner. `margin_percent` is per cent, 12.5 is 12.5 %."""
    partner = queries.partner(partner_id)
    terms = queries.internal_terms(partner.id)
    if terms is None:
        terms = PartnerTermsInternal(partner_id=partner.id)
        db.session.add(terms)
    terms.margin_percent, terms.note, terms.changed_at = (
        margin_percent,
        note.strip(),
        datetime.now(UTC),
    )
    record(PartnerChanged(partner.id, partner.status))
    return terms
