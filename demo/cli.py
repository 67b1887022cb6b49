"""`flask demo seed`, beside `flask demo remove` of the directory."""

from __future__ import annotations

import time

import click

from demo.seed import seed as make
from tenants.directory.cli import demo

__all__ = ["demo"]


@demo.command("seed")
def seed() -> None:
    """Make the demo tenants; what is there already stays."""
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f} s  {text}")

    make(say)
    say("Done")
