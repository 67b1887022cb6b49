"""Commands of delivery."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from tenants.delivery.tokens import door_token
from tenants.links import platform_url

delivery = AppGroup("delivery", help="Mail and texts.")


@delivery.command("bounce-door")
def bounce_door() -> None:
    """Print where the mail server hands bounces to, with the token it must show."""
    click.echo(platform_url("/hooks/mail/bounce"))
    click.echo(f"Authorization: Bearer {door_token(str(current_app.config['SECRET_KEY']), 'bounce')}")
