"""Make the demo tenants. Every step looks whether it was done, so that it can be run again after a kill."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from channels.partners import services as partners
from channels.partners.models import Partner, PartnerNotice
from config.extensions import db
from config.settings import get_settings
from demo import LEDGER, people
from demo.sales import Sales, sales
from loyalty.members import contact_file, desk
from loyalty.members.models import Member
from loyalty.points.models import PointAccount
from loyalty.points.services import ensure_programme, post_lapses, prove_ledger
from loyalty.portal.history import AMOUNT_ONLY
from loyalty.purchases.documents import Line, PurchaseDoc
from loyalty.purchases.imports import customer_numbers
from loyalty.purchases.models import Purchase, Refund
from loyalty.purchases.services import record_purchases
from loyalty.tiers.services import rewalk_stale, run_day
from tenants.accounts.services import create_operator, create_staff
from tenants.catalogue.services import ensure_products
from tenants.delivery import contacts
from tenants.delivery.models import Address
from tenants.directory.services import change_branding, create_tenant
from tenants.events import acting_as
from tenants.formats import local_day, now
from tenants.imports import runner
from tenants.imports.models import Import
from tenants.info import find_tenant, forget_tenants, tenant_info
from tenants.integrations.models import ApiKey
from tenants.integrations.rules import KeyParts, plaintext, secret_hash
from tenants.scope import tenant_scope

Say = Callable[[str], None]
HERE = Path(__file__).resolve().parent
STORE = "Harbour Street"
# What was rung up today, so that the start page has a today: minutes ago, amount in pence, by the demo's member.
TODAY = ((7, 2495, True), (26, 4130, False), (48, 1890, False), (95, 6425, False), (131, 990, False))


def seed(say: Say = lambda _text: None) -> None:
    """Make both tenants, their people and their data; what is there already stays as it is."""
    create_operator(email=people.OPERATOR, name="Perennial Operator", password=people.PASSWORD)
    say("Harbour & Vale: people, programme, key")
    harbour = _tenant(people.HARBOUR)
    with tenant_scope(harbour), acting_as("system"):
        key = _harbour(say)
    say("云栖制造: people, products, partners")
    with tenant_scope(_tenant(people.YUNQI)), acting_as("system"):
        _yunqi()
    _note(key)


def _tenant(given: dict[str, Any]) -> UUID:
    forget_tenants()
    known = find_tenant(slug=given["slug"])
    return known.id if known else create_tenant(**given)


def _note(key: str) -> None:
    made = {
        "password": people.PASSWORD,
        "harbour": [f"{one.mailbox}@harbour.example" for one in people.HARBOUR_STAFF],
        "yunqi": [f"{one.mailbox}@yunqi.example" for one in people.YUNQI_STAFF],
        "member": people.MEMBER_EMAIL,
        "partner": people.PARTNER_EMAIL,
        "operator": people.OPERATOR,
        "key": key,
    }
    path = get_settings().state_dir / LEDGER
    path.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")


def _brand(given: dict[str, Any]) -> None:
    """Colours and logo."""
    if "logo" not in tenant_info().branding:
        logo = HERE / f"{given['slug']}.png"
        change_branding(**given["branding"], logo=io.BytesIO(logo.read_bytes()))
        db.session.commit()
        forget_tenants()


def _staff(slug: str, staff: Sequence[people.Staff], locale: str) -> None:
    for one in staff:
        create_staff(
            email=f"{one.mailbox}@{slug}.example",
            name=one.name,
            password=people.PASSWORD,
            roles=[one.role],
            locale=locale,
        )
    db.session.commit()


# ---------------------------------------------------------------- the department store


def _harbour(say: Say) -> str:
    _brand(people.HARBOUR)
    _staff("harbour", people.HARBOUR_STAFF, "en")
    key = _key("harbour")
    ensure_programme()
    db.session.commit()
    file = sales()
    say("Harbour & Vale: contacts")
    _import("contacts", "contacts.csv", _contacts(file))
    say(f"Harbour & Vale: {'the real' if file.real else 'made-up'} sales of a year, moved so that they end yesterday")
    _import("purchases", file.name, file.data, shift_to_today=True, create_members=True)
    say("Harbour & Vale: tiers, lapses, proof")
    _settle()
    _the_member()
    _today()
    return key


def _key(slug: str) -> str:
    """A key that stays the same on this installation, so that scripts can use it."""
    secret = hashlib.sha256(f"demo:{get_settings().secret_key}".encode()).hexdigest()[:40]
    parts = KeyParts(f"pk_{slug}_demokey001", slug, secret)
    if db.session.scalar(select(ApiKey).where(ApiKey.prefix == parts.prefix)) is None:
        scopes = ["purchases:write", "points:write", "members:read", "members:write"]
        db.session.add(
            ApiKey(
                name="Demo", prefix=parts.prefix, secret_hash=secret_hash(secret), scopes=scopes, created_by="system"
            )
        )
        db.session.commit()
    return plaintext(parts)


def _contacts(file: Sales) -> bytes:
    out = io.StringIO()
    contact_file.write(customer_numbers(file.data), out)
    return out.getvalue().encode()


def _import(kind: str, name: str, data: bytes, **options: Any) -> None:
    """Take a file unless it was taken to its end before; an interrupted one is continued."""
    digest = hashlib.sha256(data).digest()
    done = select(Import.id).where(Import.kind == kind, Import.checksum == digest, Import.status == "done")
    if db.session.scalar(done) is None:
        db.session.commit()
        runner.run(kind, name=name, data=data, plan=runner.Plan(source="demo", options=options))
    db.session.commit()


def _settle() -> None:
    """What the nightly jobs do, once, so that the first look shows the end of yesterday."""
    _join_early()
    run_day(local_day())
    after = None
    while (after := rewalk_stale(today=local_day(), after=after)) is not None:
        db.session.commit()
    db.session.commit()
    while post_lapses(as_of=now()) >= 5000:
        db.session.commit()
    prove_ledger(now=now())
    db.session.commit()


def _join_early() -> None:
    """The contact file does not say since when they are members; their first document does."""
    first = [
        select(func.min(kind.occurred_at)).where(kind.member_id == Member.id).scalar_subquery()
        for kind in (Purchase, Refund)
    ]
    joined = update(Member).where(Member.import_id.is_not(None)).values(joined_at=func.least(Member.joined_at, *first))
    db.session.execute(joined.execution_options(synchronize_session=False))


def _the_member() -> None:
    """The member one signs in as: somebody with a good tier, given a name and an address one can type."""
    known = select(Address.id).where(Address.channel == "email", Address.value == people.MEMBER_EMAIL)
    if db.session.scalar(known) is not None:
        return
    best = select(Member.id).join(PointAccount, PointAccount.member_id == Member.id)
    # Gold, not the top: the way to the next tier is what the card shows.
    ranked = best.where(PointAccount.tier_rank <= 2).order_by(
        PointAccount.tier_rank.desc(), PointAccount.balance.desc()
    )
    member_id = db.session.scalars(ranked.limit(1)).one()
    desk.change_own(member_id=member_id, name=people.MEMBER_NAME, locale="en")
    address = contacts.set_address(person_id=member_id, channel="email", value=people.MEMBER_EMAIL, verified=True)
    if address is not None:
        for purpose in ("programme", "marketing"):
            contacts.set_consent(address_id=address.id, purpose=purpose, granted=True, source="staff")
    db.session.commit()


def _today() -> None:
    """Some sales of this day, by the member and by others."""
    known = select(Address.person_id).where(Address.channel == "email", Address.value == people.MEMBER_EMAIL)
    member_id = db.session.scalar(known)
    day = local_day()
    docs = [
        PurchaseDoc(
            external_id=f"demo-{day}-{minutes}",
            lines=[Line(sku=AMOUNT_ONLY, amount_minor=pence, description="")],
            member_id=member_id if own else None,
            occurred_at=(now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0),
            place=STORE,
        )
        for minutes, pence, own in TODAY
    ]
    record_purchases(docs, source="demo-till")
    db.session.commit()


# ---------------------------------------------------------------- the manufacturer


def _yunqi() -> None:
    _brand(people.YUNQI)
    _staff("yunqi", people.YUNQI_STAFF, "zh_Hans")
    ensure_products(people.PRODUCTS)
    db.session.commit()
    for company in people.PARTNERS:
        if db.session.scalar(select(Partner.id).where(Partner.number == company.number)) is None:
            _partner(company)
            db.session.commit()
    for title, body in people.NOTICES:
        if db.session.scalar(select(PartnerNotice.id).where(PartnerNotice.title == title)) is None:
            partners.publish_notice(title=title, body=body)
    db.session.commit()


def _partner(company: people.Company) -> None:
    partner = partners.add_partner(
        number=company.number,
        name=company.name,
        country="CN",
        status=company.status,
        territory=company.territory,
        since=company.since,
    )
    for name, email in company.people:
        partners.invite_user(partner_id=partner.id, name=name, email=email, locale="zh_Hans")
    partners.note_internal_terms(partner_id=partner.id, margin_percent=Decimal(company.margin), note=company.note)
    if company.notice:
        title, body = company.notice
        partners.publish_notice(title=title, body=body, partner_id=partner.id)
