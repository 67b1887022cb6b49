"""A message's text in its reader's language, from templates/mail/<name>/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import current_app
from flask_babel import force_locale
from jinja2 import TemplateNotFound

from config.extensions import ROOT
from tenants.delivery import rules, tokens
from tenants.delivery.models import Message
from tenants.edge import language_of
from tenants.formats import day_text, local_day, number_locale
from tenants.info import tenant_info
from tenants.links import tenant_url
from tenants.scope import current_tenant_id
from tenants.theme import accent_of, legible, text_on

FOLDER = ROOT / "templates" / "mail"
WHITE = "#ffffff"
_BLANK = re.compile(r"\n(?:[ \t]*\n){2,}")


@dataclass(frozen=True)
class Rendered:
    """A finished text. A text message has no subject and no HTML."""

    subject: str
    text: str
    html: str


def names() -> list[str]:
    """Every message we have a template for."""
    return sorted(path.name for path in Path(FOLDER).iterdir() if path.is_dir())


def channels_of(template: str) -> list[str]:
    """The channels a template is written for."""
    files = {"email": "body.txt", "sms": "sms.txt"}
    return [channel for channel, name in files.items() if (FOLDER / template / name).exists()]


def unsubscribe_url(message_id: UUID) -> str:
    """The address behind List-Unsubscribe and the link at the foot."""
    secret = str(current_app.config["SECRET_KEY"])
    token = tokens.unsubscribe_token(secret, tenant_id=current_tenant_id(), message_id=message_id)
    return tenant_url(f"/unsubscribe/{token}")


def render(message: Message) -> Rendered:
    """The text of a message as it goes out."""
    asked_for = message.purpose in rules.ASKED_FOR
    link = "" if asked_for else unsubscribe_url(message.id)
    return render_template_of(
        message.template,
        channel=message.channel or "email",
        locale=message.locale,
        context=message.context,
        unsubscribe_url=link,
    )


def render_template_of(
    template: str, *, channel: str, locale: str, context: Mapping[str, Any], unsubscribe_url: str = ""
) -> Rendered:
    """The text of a template with these figures. Raises LookupError when it is not written for the channel."""
    language = language_of(locale) or "en"
    with force_locale(language):
        values = {**_house(language), **typed(context), "unsubscribe_url": unsubscribe_url}
        if channel == "sms":
            return Rendered("", _part(template, "sms.txt", values).strip(), "")
        subject = " ".join(_part(template, "subject.txt", values).split())
        values["subject"] = subject
        text = _BLANK.sub("\n\n", _part(template, "body.txt", values)).strip() + "\n"
        return Rendered(subject, text, _part(template, "body.html", values, needed=False))


def _part(template: str, name: str, values: Mapping[str, Any], *, needed: bool = True) -> str:
    # Not flask.render_template: its context processors ask the request, and a job has none.
    try:
        found = current_app.jinja_env.get_template(f"mail/{template}/{name}")
    except TemplateNotFound as error:
        if needed or error.name != f"mail/{template}/{name}":
            raise LookupError(f"there is no mail/{template}/{name}") from error
        return ""
    return found.render(values)


def _house(language: str) -> dict[str, Any]:
    tenant = tenant_info()
    accent = legible(accent_of(tenant.branding), on=WHITE)
    tag = {"zh_Hans": "zh-Hans", "zh_Hant": "zh-Hant"}.get(language, "en")
    return {
        "brand": tenant.name,
        "accent": accent,
        "on_accent": text_on(accent),
        "portal_url": tenant_url("/"),
        "tag": tag,
        "language": language,
        "plain_day": plain_day,
    }


def plain_day(value: date) -> str:
    """A day for a text that is read later: never "today" or "tomorrow"."""
    return day_text(value, today=local_day(), locale=number_locale())


def typed(context: Mapping[str, Any]) -> dict[str, Any]:
    """Days and instants of a JSON context as such: names ending in _on and _at."""
    return {name: _typed(name, value) for name, value in context.items()}


def _typed(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    if name.endswith("_on"):
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name.endswith("_at") else value
