"""Run an import from its file to its end in this process, one commit a chunk: for commands and seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from config.extensions import db
from tenants.errors import Malformed
from tenants.imports import chunks, queries, services, staging
from tenants.imports.kinds import kind_of
from tenants.imports.mapping import Mapping
from tenants.imports.models import Import
from tenants.imports.readers import Format
from tenants.imports.reasons import file_reason

Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a command says about a file beside its bytes. Empty values are guessed."""

    source: str = "import"
    options: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    date_order: str = ""
    decimal_mark: str = ""
    encoding: str = ""


def run(kind: str, *, name: str, data: bytes, plan: Plan, watch: Watch = lambda _done, _all: None) -> Import:
    """Take a file in the scope in force; `watch(lines done, lines)` after every chunk.

    An import of the same bytes that was interrupted is continued. Raises Malformed with a sentence when
    nothing can be read. The caller's transaction must not be open.
    """
    found = queries.unfinished(kind, hashlib.sha256(data).digest(), plan.source)
    if found is None:
        found = prepare(kind, name=name, data=data, plan=plan)
        services.start(found.id)
    import_id = found.id
    db.session.commit()
    return _chunks(import_id, watch)


def _chunks(import_id: UUID, watch: Watch) -> Import:
    found = queries.get(import_id)
    try:
        while found.status == "running":
            watch(found.lines_done, found.lines)
            chunks.take_chunk(import_id, found.next_chunk)
            db.session.commit()
            db.session.expunge_all()
            found = queries.get(import_id)
    except KeyboardInterrupt:
        db.session.rollback()
        found = services.cancel(import_id)
        db.session.commit()
        found = queries.get(import_id)
    watch(found.lines_done, found.lines)
    return found


def prepare(kind: str, *, name: str, data: bytes, plan: Plan, preview: bool = False) -> Import:
    """Keep, map and check a file, with a `preview` if asked for. Raises Malformed when that leaves nothing to take."""
    found = services.create(kind, name=name, data=data, source=plan.source, options=plan.options)
    if plan.encoding:
        services.reread(found.id, encoding=plan.encoding, header=True)
    services.remap(found.id, mapping=_mapping(found, plan))
    found = staging.check(found.id, preview=preview)
    if found.status == "failed":
        raise Malformed(sentence=file_reason(found.problem or "gone", {}), code=found.problem)
    return found


def _mapping(found: Import, plan: Plan) -> Mapping:
    mapping = Mapping.from_dict(found.mapping)
    mapping = replace(
        mapping,
        columns={
            **{key: name for key, name in mapping.columns.items() if name not in plan.columns.values()},
            **plan.columns,
        },
        date_order=plan.date_order or mapping.date_order,
        decimal_mark=plan.decimal_mark or mapping.decimal_mark,
    )
    missing = mapping.missing(kind_of(found.kind).fields, Format.from_dict(found.format).columns)
    if missing:
        names = ", ".join(str(item.label) for item in missing)
        raise Malformed(sentence=_("Not every needed column was found: %(columns)s.", columns=names), code="unmapped")
    return mapping


def undo(import_id: UUID) -> Import:
    """Take an import back to its last document, one commit a step."""
    services.start_undo(import_id)
    db.session.commit()
    while chunks.undo_step(import_id).status == "undoing":
        db.session.commit()
    db.session.commit()
    return queries.get(import_id)
