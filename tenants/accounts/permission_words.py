"""Permissions in words, for the page that shows the table. One without words is shown by its name."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

PERMISSION_WORDS: dict[str, Any] = {
    "start.view": _l("See the start page"),
    "own.account": _l("Manage one's own account"),
    "members.view": _l("See members"),
    "members.edit": _l("Add and change members"),
    "members.export": _l("Export members"),
    "purchases.view": _l("See purchases and returns"),
    "points.view": _l("See points"),
    "programme.view": _l("See the rules and tiers"),
    "programme.edit": _l("Change the rules and tiers"),
    "till.use": _l("Use the till"),
    "messages.view": _l("See messages"),
    "messages.edit": _l("Send again and change the list of those not written to"),
    "catalogue.view": _l("See products"),
    "catalogue.edit": _l("Change products"),
    "imports.view": _l("See imports"),
    "imports.run": _l("Run and undo imports"),
    "files.view": _l("Download files"),
    "partners.view": _l("See partners"),
    "partners.edit": _l("Add and change partners"),
    "staff.view": _l("See the staff"),
    "staff.edit": _l("Invite staff and change roles"),
    "branding.edit": _l("Change the branding"),
    "settings.edit": _l("Change the settings"),
    "keys.edit": _l("Manage API keys"),
    "audit.view": _l("Read the audit log"),
    "health.view": _l("See the health page"),
    "health.retry": _l("Run again what failed"),
}
