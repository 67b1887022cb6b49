"""Refusals of the accounts package."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from tenants.errors import Conflict, Malformed


class SignInRefused(Malformed):
    """E-mail and password do not go together here; never says which of the two is wrong."""

    code = "signin_refused"
    sentence = _l("This e-mail and password do not go together, or they do not open this place.")


class CodeRefused(Malformed):
    """A one-time code is wrong, used or too old."""

    code = "code_refused"
    sentence = _l("This code is not right or no longer valid. Check it, or ask for a new one.")


class LinkRefused(Conflict):
    """A link from a mail is used or too old."""

    code = "link_refused"
    sentence = _l("This link was used already or is too old. Ask for a new one.")


class LastOwner(Conflict):
    """The act would leave the tenant without an owner."""

    code = "last_owner"
    sentence = _l("This is the last owner. Make somebody else an owner first.")
