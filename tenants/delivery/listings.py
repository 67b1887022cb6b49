"""The lists of messages and of suppressed addresses."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from tenants.delivery import labels, texts
from tenants.delivery.models import Message, Suppression
from tenants.listing import Choice, Column, DateRange, Empty, Listing


def _part(column: Any) -> Any:
    def find(statement: Select[Any], text: str) -> Select[Any]:
        return statement.where(column.icontains(text.strip(), autoescape=True))

    return find


MESSAGES = Listing(
    "messages",
    columns=[
        Column("created_at", _l("When"), sort=Message.id, format="moment"),
        Column("recipient", _l("To"), cell="delivery/_cells.html#recipient"),
        Column("template", _l("Message"), cell="delivery/_cells.html#template", sort=Message.template),
        Column("state", _l("State"), cell="delivery/_cells.html#state", sort=Message.state),
        Column("reason", _l("Reason"), cell="delivery/_cells.html#reason"),
    ],
    key=Message.id,
    sort="-created_at",
    search=_part(Message.recipient),
    search_hint=_l("E-mail address or phone number"),
    filters=[
        Choice("state", _l("State"), Message.state, labels.options(labels.STATES)),
        Choice("reason", _l("Reason"), Message.reason, labels.options(labels.REASONS)),
        Choice("channel", _l("Channel"), Message.channel, labels.options(labels.CHANNELS)),
        Choice("template", _l("Message"), Message.template, texts.options),
        DateRange("day", _l("Day"), Message.created_at),
    ],
    link=lambda row: url_for("delivery.show", message_id=row.id),
    empty=Empty(
        _l("No messages yet"),
        _l("Members who agreed to programme messages get a welcome and hear of a new tier."),
        "delivery.templates",
        _l("See the texts"),
        icon="mail",
    ),
    export_needs="members.export",
)

SUPPRESSIONS = Listing(
    "suppressions",
    columns=[
        Column("value", _l("Address"), sort=Suppression.value),
        Column("reason", _l("Why"), cell="delivery/_cells.html#suppressed", sort=Suppression.reason),
        Column("at", _l("Since"), sort=Suppression.at, format="moment"),
        Column("remove", _l("Remove"), cell="delivery/_cells.html#remove", export=False),
    ],
    key=Suppression.id,
    sort="-at",
    search=_part(Suppression.value),
    search_hint=_l("E-mail address or phone number"),
    filters=[Choice("reason", _l("Why"), Suppression.reason, labels.options(labels.SUPPRESSED))],
    empty=Empty(
        _l("Nobody is on the list"),
        _l("Who unsubscribes, replies STOP or whose address does not work comes here by itself."),
        icon="mail",
    ),
    export_needs="members.export",
)
