"""Verbs of signing in: password, second step, one-time codes, links, hand-over from the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update

from config.extensions import db
from config.settings import get_settings
from tenants.accounts import limits, passwords, queries, rules, totp
from tenants.accounts.errors import CodeRefused, LinkRefused, SignInRefused
from tenants.accounts.models import Account, AccountSecret, Handover, Membership, SignInCode
from tenants.accounts.people import Subject, find_subject, get_subject
from tenants.accounts.queries import Credentials, be_account, credentials
from tenants.directory.models import Tenant
from tenants.errors import NotFound
from tenants.ids import new_id
from tenants.scope import call, current_tenant_id, in_scope, system_session


def cheap() -> bool:
    """Whether hashes may be quick to make: in tests only."""
    return get_settings().env == "test"


# ---------------------------------------------------------------- password


def check_password(*, email: str, password: str, ip: str) -> Credentials:
    """Who this is. Raises SignInRefused, or TooMany after five failures from one address.

    The answer and its time do not tell whether the account exists.
    """
    who = f"{rules.normal_email(email)} {ip}"
    limits.refuse_if_full(limits.PER_ACCOUNT, "signin", who)
    limits.refuse_if_full(limits.PER_ADDRESS, "signin-ip", ip)
    found = credentials(email)
    right, renewed = passwords.verify(found.password_hash if found else None, password, cheap=cheap())
    if found is None or not right:
        limits.count(limits.PER_ACCOUNT, "signin", who)
        limits.count(limits.PER_ADDRESS, "signin-ip", ip)
        note_refusal("password", found.id if found else None)
        raise SignInRefused
    limits.forgive(limits.PER_ACCOUNT, "signin", who)
    if renewed:
        _keep_hash(found.id, renewed)
    return found


def check_staff(*, email: str, password: str, ip: str) -> Credentials:
    """check_password() for somebody with an active membership in this tenant."""
    found = check_password(email=email, password=password, ip=ip)
    if queries.membership(found.id) is None:
        note_refusal("no_membership", found.id)
        raise SignInRefused
    return found


def _keep_hash(account_id: UUID, renewed: str) -> None:
    change = update(AccountSecret).where(AccountSecret.account_id == account_id).values(password_hash=renewed)
    if in_scope():
        be_account(account_id)
        db.session.execute(change)
    else:
        with system_session() as session:
            session.execute(change)


def note_refusal(reason: str, account_id: UUID | None) -> None:
    """Write a refused sign-in into the tenant's events, although the request itself rolls back."""
    if not in_scope():
        return
    db.session.rollback()
    call(
        "SELECT note_event(:tenant, 'account.signin_refused', 'system', jsonb_build_object("
        "'reason', CAST(:reason AS text), 'account_id', CAST(:account AS text)))",
        {"tenant": current_tenant_id(), "reason": reason, "account": str(account_id) if account_id else None},
    )


# ---------------------------------------------------------------- second step


def check_second_step(account_id: UUID, *, code: str, ip: str) -> str:
    """Accept a code of the authenticator app or a recovery code; returns which ("totp", "recovery").

    Raises CodeRefused, or TooMany. A code works once.
    """
    limits.refuse_if_full(limits.PER_ACCOUNT, "second", str(account_id))
    with _secret_of(account_id) as secret:
        how = _accept(secret, code)
    if how is None:
        limits.count(limits.PER_ACCOUNT, "second", str(account_id))
        limits.count(limits.PER_ADDRESS, "signin-ip", ip)
        note_refusal("second_step", account_id)
        raise CodeRefused({"code": [CodeRefused.sentence]})
    return how


def _accept(secret: AccountSecret, code: str) -> str | None:
    step = totp.matching_step(secret.totp_secret, code, last_step=secret.totp_last_step) if secret.totp_secret else None
    if step is not None:
        secret.totp_last_step = step
        return "totp"
    kept = rules.token_hash(rules.normal_recovery_code(code))
    if kept in secret.recovery_hashes:
        secret.recovery_hashes = [one for one in secret.recovery_hashes if one != kept]
        return "recovery"
    return None


class _secret_of:  # noqa: N801  # used as a context manager
    """An account's secrets in the present transaction, or outside a tenant in one of the system role."""

    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
        self.apart = None if in_scope() else system_session()

    def __enter__(self) -> AccountSecret:
        session = self.apart.__enter__() if self.apart else db.session
        if not self.apart:
            be_account(self.account_id)
        # Locked, so that two requests with one code find it used.
        found = session.scalar(
            select(AccountSecret).where(AccountSecret.account_id == self.account_id).with_for_update()
        )
        if found is None:
            raise NotFound
        return found

    def __exit__(self, *problem: object) -> None:
        if self.apart:
            self.apart.__exit__(*problem)  # type: ignore[arg-type]


# ---------------------------------------------------------------- one-time codes


@dataclass(frozen=True)
class SentCode:
    """A code that was made: `id` goes into the cookie, code and link go out by `channel` if somebody is there."""

    id: UUID
    code: str
    link: str
    channel: str
    address: str
    subject: Subject | None


def make_code(*, kind: str, channel: str, address: str, ip: str) -> SentCode:
    """Make a one-time code for whoever has this address. The answer is the same when nobody has.

    Raises TooMany. The code lives ten minutes and takes five attempts.
    """
    limits.spend(limits.CODES_PER_PERSON, f"code-{kind}", address)
    limits.spend(limits.CODES_PER_ADDRESS, "code-ip", ip)
    subject = find_subject(kind, channel, address)
    row_id, code, link = new_id(), rules.new_code(), rules.new_token()
    db.session.add(
        SignInCode(
            id=row_id,
            kind=kind,
            subject_id=subject.id if subject else None,
            address=address if subject else None,
            code_hash=rules.code_hash(code, salt=str(row_id)),
            link_hash=rules.token_hash(link),
            expires_at=datetime.now(UTC) + rules.CODE_LIFE,
        )
    )
    return SentCode(row_id, code, link, channel, address, subject)


def use_code(code_id: UUID, *, kind: str, code: str) -> Subject:
    """The person whose code this is. Each attempt counts, also the wrong ones. Raises CodeRefused."""
    db.session.rollback()
    rows = call(
        "SELECT kind, subject_id FROM try_code(:tenant, :id, :hash, :attempts)",
        {
            "tenant": current_tenant_id(),
            "id": code_id,
            "hash": rules.code_hash(code, salt=str(code_id)),
            "attempts": rules.CODE_ATTEMPTS,
        },
    )
    subject = get_subject(kind, rows[0].subject_id) if rows and rows[0].kind == kind and rows[0].subject_id else None
    if subject is None:
        note_refusal(f"{kind}_code", None)
        raise CodeRefused({"code": [CodeRefused.sentence]})
    return subject


def use_link(link: str, *, kind: str) -> Subject:
    """The person whose magic link this is; it works once. Raises LinkRefused."""
    now = datetime.now(UTC)
    query = (
        update(SignInCode)
        .where(
            SignInCode.link_hash == rules.token_hash(link),
            SignInCode.kind == kind,
            SignInCode.used_at.is_(None),
            SignInCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInCode.subject_id)
    )
    subject_id = db.session.scalar(query)
    subject = get_subject(kind, subject_id) if subject_id else None
    if subject is None:
        raise LinkRefused
    return subject


# ---------------------------------------------------------------- from the platform into a tenant


@dataclass(frozen=True)
class Place:
    """A tenant that an account may enter."""

    slug: str
    name: str
    roles: list[str]


def places_of(account_id: UUID) -> list[Place]:
    """The tenants that let this account in, by name. Read as the system role, before a tenant is known."""
    query = (
        select(Tenant.slug, Tenant.name, Membership.roles)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.account_id == account_id, Membership.status == "active", Tenant.status == "active")
        .order_by(Tenant.name)
    )
    with system_session() as session:
        return [Place(slug, name, roles) for slug, name, roles in session.execute(query)]


def make_handover(account_id: UUID, *, slug: str) -> str:
    """A token that opens this tenant once within two minutes. Raises NotFound without a membership there."""
    token = rules.new_token()
    query = (
        select(Tenant.id)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Tenant.slug == slug, Membership.account_id == account_id, Membership.status == "active")
    )
    with system_session() as session:
        tenant_id = session.scalar(query)
        if tenant_id is None:
            raise NotFound
        expires = datetime.now(UTC) + rules.HANDOVER_LIFE
        row = Handover(
            tenant_id=tenant_id, account_id=account_id, token_hash=rules.token_hash(token), expires_at=expires
        )
        session.add(row)
    return token


def use_handover(token: str) -> Account:
    """The account that a hand-over brings; it works once. Raises LinkRefused."""
    now = datetime.now(UTC)
    query = (
        update(Handover)
        .where(Handover.token_hash == rules.token_hash(token), Handover.used_at.is_(None), Handover.expires_at > now)
        .values(used_at=now)
        .returning(Handover.account_id)
    )
    account_id = db.session.scalar(query)
    if account_id is None or queries.membership(account_id) is None:
        raise LinkRefused
    return queries.staff_member(account_id)[0]
