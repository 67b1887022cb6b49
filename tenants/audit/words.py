"""Events in words. A kind without a sentence is shown by its name, so a new fact is never hidden."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

KINDS: dict[str, Any] = {
    "account.signed_in": _l("Signed in"),
    "account.signed_out": _l("Session ended"),
    "account.signin_refused": _l("Sign-in refused"),
    "account.password_changed": _l("Password changed"),
    "account.second_factor_changed": _l("Two-step sign-in changed"),
    "staff.invited": _l("Staff invited"),
    "staff.invitation_withdrawn": _l("Invitation taken back"),
    "staff.joined": _l("Joined the staff"),
    "staff.roles_changed": _l("Roles changed"),
    "staff.status_changed": _l("Staff access changed"),
    "key.created": _l("API key made"),
    "key.revoked": _l("API key revoked"),
    "tenant.branding_changed": _l("Branding changed"),
    "tenant.settings_changed": _l("Settings changed"),
    "tenant.host_added": _l("Host name added"),
    "tenant.host_removed": _l("Host name removed"),
    "tenant.status_changed": _l("Organisation suspended or let in"),
    "tenant.opened": _l("Organisation opened"),
    "member.joined": _l("Member joined"),
    "member.changed": _l("Member changed"),
    "members.imported": _l("Members imported"),
    "card.replaced": _l("Card replaced"),
    "purchase.recorded": _l("Purchase recorded"),
    "purchases.recorded": _l("Purchases recorded"),
    "purchases.withdrawn": _l("Purchases withdrawn"),
    "refund.recorded": _l("Return recorded"),
    "points.awarded": _l("Points given"),
    "points.reversed": _l("Points taken back"),
    "points.expired": _l("Points lapsed"),
    "programme.changed": _l("Rules published"),
    "programme.published": _l("Rules published"),
    "tier.changed": _l("Tier changed"),
    "ledger.proved": _l("Ledger proved"),
    "address.changed": _l("Address changed"),
    "addresses.imported": _l("Addresses imported"),
    "consent.changed": _l("Consent changed"),
    "consents.imported": _l("Consents imported"),
    "suppression.added": _l("Put on the list of those not written to"),
    "suppression.removed": _l("Taken off the list of those not written to"),
    "message.bounced": _l("Message came back"),
    "message.retried": _l("Message sent again"),
    "messages.queued": _l("Messages queued"),
    "import.started": _l("Import started"),
    "import.finished": _l("Import finished"),
    "import.cancelled": _l("Import cancelled"),
    "import.undo_started": _l("Undoing an import began"),
    "import.undone": _l("Import undone"),
    "partner.added": _l("Partner added"),
    "partner.changed": _l("Partner changed"),
    "partner.user_invited": _l("Person of a partner let in"),
    "partner.user_ended": _l("Person of a partner shut out"),
    "partner.notice_published": _l("Notice published"),
    "partner.notice_withdrawn": _l("Notice withdrawn"),
}
GROUPS: dict[str, Any] = {
    "account": _l("Signing in"),
    "staff": _l("Staff"),
    "key": _l("API keys"),
    "tenant": _l("Organisation"),
    "member": _l("Members"),
    "purchase": _l("Purchases"),
    "refund": _l("Refunds"),
    "points": _l("Points"),
    "tier": _l("Tiers"),
    "import": _l("Imports"),
    "message": _l("Messages"),
    "messages": _l("Messages"),
    "address": _l("Addresses"),
    "consent": _l("Consent"),
    "partner": _l("Partners"),
    "product": _l("Products"),
    "programme": _l("Programme"),
    "card": _l("Cards"),
    "ledger": _l("Ledger"),
    "addresses": _l("Addresses"),
    "consents": _l("Consent"),
    "suppression": _l("Not written to"),
    "members": _l("Members"),
    "purchases": _l("Purchases"),
}
ACTORS: dict[str, Any] = {
    "system": _l("Perennial"),
    "member": _l("a member"),
    "partner": _l("a partner"),
    "key": _l("an API key"),
    "operator": _l("the operator"),
    "staff": _l("somebody who left"),
    "import": _l("an import"),
}


def said(kind: str) -> str:
    """A kind of event in words."""
    return str(KINDS.get(kind, kind))


def group_said(group: str) -> str:
    """A group of kinds in words."""
    return str(GROUPS.get(group, group))


def actor_said(ref: str, names: dict[str, str]) -> str:
    """Who acted, in words."""
    return names.get(ref) or str(ACTORS.get(ref.partition(":")[0], ref))


def figures(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """What an event carries, as names and short texts."""
    return [(name.replace("_", " "), _short(value)) for name, value in payload.items() if value is not None]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(item) for item in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(item)}" for name, item in value.items())
    return str(value)
