"""Verbs of two-step sign-in on one's own account."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import structlog
from flask_babel import lazy_gettext as _l

from tenants.accounts import passwords, queries, rules, totp
from tenants.accounts.facts import SecondFactorChanged
from tenants.accounts.models import AccountSecret
from tenants.accounts.signin import cheap
from tenants.errors import Conflict, Malformed
from tenants.events import record
from tenants.scope import in_scope

log = structlog.get_logger("accounts")


def begin(account_id: UUID) -> str:
    """Make (or show again) the secret that the authenticator app shall learn. Raises Conflict when it is on."""
    _account, secret = queries.own_account(account_id)
    if secret.totp_since:
        raise Conflict(_l("Two-step sign-in is on already."), code="second_step_on")
    if not secret.totp_secret:
        secret.totp_secret = totp.new_secret()
    return secret.totp_secret


def confirm(account_id: UUID, *, code: str) -> list[str]:
    """Turn it on with a first code from the app; returns the recovery codes, shown once."""
    _account, secret = queries.own_account(account_id)
    step = totp.matching_step(secret.totp_secret, code) if secret.totp_secret and not secret.totp_since else None
    if step is None:
        raise Malformed({"code": [_l("This code does not match. Check the clock of your phone and try the next one.")]})
    secret.totp_since, secret.totp_last_step = datetime.now(UTC), step
    _note(SecondFactorChanged(account_id=account_id, state="on"))
    return _new_codes(secret)


def renew_codes(account_id: UUID, *, password: str) -> list[str]:
    """Make new recovery codes; the old ones stop working."""
    _account, secret = queries.own_account(account_id)
    _prove(secret, password)
    _note(SecondFactorChanged(account_id=account_id, state="codes_renewed"))
    return _new_codes(secret)


def turn_off(account_id: UUID, *, password: str) -> None:
    """Turn it off, after the password was given once more."""
    _account, secret = queries.own_account(account_id)
    _prove(secret, password)
    secret.totp_secret = secret.totp_since = secret.totp_last_step = None
    secret.recovery_hashes = []
    _note(SecondFactorChanged(account_id=account_id, state="off"))


def _prove(secret: AccountSecret, password: str) -> None:
    right, _renewed = passwords.verify(secret.password_hash, password, cheap=cheap())
    if not right:
        raise Malformed({"password": [_l("This is not your password.")]})


def _new_codes(secret: AccountSecret) -> list[str]:
    codes = rules.new_recovery_codes()
    secret.recovery_hashes = [rules.token_hash(code) for code in codes]
    return codes


def _note(fact: SecondFactorChanged) -> None:
    # The operator's own account lies outside all tenants: there the log is the witness.
    if in_scope():
        record(fact)
    else:
        log.info("second_factor_changed", account=str(fact.account_id), state=fact.state)
