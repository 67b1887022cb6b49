"""The messages of the partner side, for their previews."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from tenants.delivery.texts import declare

declare(
    "partner_invitation",
    label=_l("Partner portal"),
    hint=_l("To a partner's person who may now use the partner portal."),
    sample={"name": "Ann Baker", "partner": "Northern Supplies Ltd", "url": "https://example.com/"},
)
