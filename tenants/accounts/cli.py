"""`flask operator`: the first operator of an installation is made from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from tenants.accounts.services import create_operator
from tenants.errors import Malformed

operator = AppGroup("operator", help="Operators of this installation.")


@operator.command("create")
@click.argument("email")
@click.option("--name", default="Operator", show_default=True)
@click.password_option(help="Asked for when left out.")
def create(email: str, name: str, password: str) -> None:
    """Make EMAIL an operator; an account that exists keeps its password."""
    try:
        create_operator(email=email, name=name, password=password)
    except Malformed as refused:
        raise click.ClickException(" ".join(str(said) for said in refused.errors.get("password", []))) from refused
    click.echo(f"{email} may sign in at /console.")
