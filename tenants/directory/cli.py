"""`flask demo`: the demo data goes away by one act."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from tenants.directory.console_services import purge_demo

demo = AppGroup("demo", help="The demo tenants.")


@demo.command("remove")
@click.confirmation_option(prompt="Delete the demo tenants and everything in them?")
def remove() -> None:
    """Delete the demo tenants with everything that is theirs."""
    deleted = purge_demo()
    if not deleted:
        click.echo("There is no demo tenant.")
    for name, count in deleted.items():
        click.echo(f"{count:>9}  {name}")
