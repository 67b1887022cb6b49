"""The channel programme's tiles and first step. Registered when imported."""

from __future__ import annotations

from datetime import date

from flask import url_for
from flask_babel import gettext as _

from channels.partners import queries
from tenants.access import may
from tenants.formats import number
from tenants.start.board import Board, Step, Tile, register


def make(_day: date) -> Board:
    """The board of the channel programme."""
    partners, people, notices = queries.counts()
    if not partners:
        text = _("The companies that sell for you see their own data and your notices in the partner portal.")
        step = Step(_("Add your partners"), text, False, url_for("partners.index"), _("Add a partner"))
        return Board(steps=[step] if may("partners.edit") else [], empty=True)
    return Board(
        tiles=[
            Tile(_("Active partners"), number(partners), url=url_for("partners.index"), icon="truck-delivery"),
            Tile(_("People who may sign in"), number(people), url=url_for("partners.index"), icon="users"),
            Tile(_("Notices shown"), number(notices), url=url_for("partners.notices"), icon="speakerphone"),
        ]
    )


register("channels", order=20, needs="partners.view", make=make)
