"""`flask import purchases` and `flask import contacts`, and the contact file made for a file of purchases."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import click

from loyalty.members import contact_file
from loyalty.purchases.imports import customer_numbers
from tenants.imports.cli import file_options, imports, run_command


@imports.command("purchases")
@file_options
@click.option("--shift-to-today", is_flag=True, help="Move all dates so that the last line is yesterday.")
@click.option("--known-members-only", is_flag=True, help="Refuse customer numbers that are no members.")
def purchases(*, shift_to_today: bool, known_members_only: bool, **options: Any) -> None:
    """Take a file of purchases and returns; members not known yet are made."""
    choices = {"shift_to_today": shift_to_today, "create_members": not known_members_only}
    run_command("purchases", options, **choices)


@imports.command("contacts")
@file_options
def contacts(**options: Any) -> None:
    """Take a file of contacts: names, addresses, birthdays, consent."""
    run_command("contacts", options)


@imports.command("make-contacts")
@click.argument("purchases_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="Default: standard output.")
@click.option("--language", default="en", show_default=True)
def make_contacts(purchases_file: Path, output: TextIO, language: str) -> None:
    """Invent contacts for the customer numbers of a file of purchases, the same ones each time."""
    count = contact_file.write(customer_numbers(purchases_file.read_bytes()), output, language=language)
    click.echo(f"{count} contacts", err=True)
