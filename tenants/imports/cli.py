"""`flask import`: what kinds of import have in common on the command line. The kinds add their commands."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from tenants.errors import AppError
from tenants.events import acting_as
from tenants.imports import chunks, runner
from tenants.imports.kinds import kind_of
from tenants.imports.values import DATE_ORDERS, DECIMAL_MARKS
from tenants.info import TenantInfo, find_tenant
from tenants.scope import tenant_scope

ALL_TAKEN, NOTHING_READ, SOME_REJECTED, STOPPED = 0, 1, 3, 130


imports = AppGroup("import", help="Bring files in: purchases, contacts.")


def tenant_named(slug: str) -> TenantInfo:
    """The tenant with this slug, or a sentence and exit code 1."""
    tenant = find_tenant(slug=slug)
    if tenant is None:
        raise click.ClickException(f"There is no tenant {slug}.")
    return tenant


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments every import command takes."""
    options: tuple[Callable[..., Any], ...] = (
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option("--tenant", "slug", required=True, help="The tenant's slug."),
        click.option("--source", default="import", show_default=True, help="Where the document numbers come from."),
        click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Say which column is what."),
        click.option("--date-order", type=click.Choice(DATE_ORDERS), default=None, help="Default: guessed."),
        click.option("--decimal", type=click.Choice(DECIMAL_MARKS), default=None, help="Default: guessed."),
        click.option("--encoding", default="", help="Default: guessed."),
        click.option("--json", "quiet", is_flag=True, help="No progress bar, only the JSON object at the end."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def plan_of(options: dict[str, Any], **choices: Any) -> runner.Plan:
    """The plan the command line describes. Raises click.BadParameter."""
    pairs = dict(pair.partition("=")[::2] for pair in options["columns"])
    if not all(pairs.values()):
        raise click.BadParameter("write --map FIELD=COLUMN", param_hint="--map")
    return runner.Plan(
        source=options["source"], options=choices, columns=pairs, encoding=options["encoding"],
        date_order=options["date_order"] or "", decimal_mark=options["decimal"] or "",
    )  # fmt: skip


def run_command(kind: str, options: dict[str, Any], **choices: Any) -> None:
    """Run an import in this process, draw its bar on stderr, print one JSON object, exit 0, 1 or 3."""
    began = time.monotonic()
    tenant, plan = tenant_named(options["slug"]), plan_of(options, **choices)
    data = options["file"].read_bytes()
    with tenant_scope(tenant.id), acting_as("system"):
        try:
            figures, code = _watched(kind, options["file"].name, data, plan, quiet=options["quiet"])
        except AppError as error:
            sentence = _sentence(error)
            click.echo(sentence, err=True)
            figures, code = {**_nothing(kind), "problem": sentence}, NOTHING_READ
    click.echo(json.dumps({**figures, "seconds": round(time.monotonic() - began, 3)}, ensure_ascii=False))
    raise SystemExit(code)


def _watched(kind: str, name: str, data: bytes, plan: runner.Plan, *, quiet: bool) -> tuple[dict[str, Any], int]:
    target = io.StringIO() if quiet else sys.stderr
    bar: Any
    with click.progressbar(length=1, label=name, show_pos=True, file=target) as bar:

        def watch(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        found = runner.run(kind, name=name, data=data, plan=plan, watch=watch)
    figures = chunks.summary(found)
    if found.status == "cancelled":
        return figures, STOPPED
    if found.chunks == 0 and figures["rejected"]:
        return figures, NOTHING_READ
    return figures, SOME_REJECTED if figures["rejected"] else ALL_TAKEN


def _nothing(kind: str) -> dict[str, Any]:
    return dict.fromkeys(("lines", "taken", "unchanged", "rejected", *kind_of(kind).counts), 0)


def _sentence(error: AppError) -> str:
    errors = getattr(error, "errors", {})
    first = next((sentences[0] for sentences in errors.values() if sentences), error.sentence)
    return str(first)
