"""The kind of import that brings purchases and returns: preview, take, undo, findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from flask_babel import lazy_gettext as _l

from loyalty.members.services import MemberRow, ensure_members
from loyalty.purchases import import_queries, import_rules, refunds, services
from loyalty.purchases.documents import Outcome
from loyalty.purchases.import_docs import Doc, purchase_doc, refund_doc
from loyalty.purchases.import_fields import FIELDS
from loyalty.purchases.import_merge import Recorded, left_out
from tenants.catalogue.services import ensure_products
from tenants.imports.chunks import mended
from tenants.imports.kinds import Context, Finding, Kind, Order, Refusal, Staged, Taken, register
from tenants.imports.mapping import Mapping, guess
from tenants.imports.readers import RawRow, first_rows, read, sniff
from tenants.imports.values import clean_id


class PurchaseImport:
    """Purchases and returns, document by document, in date order."""

    key = "purchases"
    label = _l("Purchases and returns")
    hint = _l("One row for each line of a receipt or order; returns have a negative quantity or a number like C1234.")
    fields = FIELDS
    options = {  # noqa: RUF012 (constant of the kind)
        "create_members": _l("Make members for customer numbers that are not known yet"),
        "shift_to_today": _l("Move all dates so that the last line is yesterday (for trying things out)"),
    }
    can_undo = True
    counts = {  # noqa: RUF012 (constant of the kind)
        "anonymous": _l("Lines without a customer"),
        "purchases": _l("Purchases"),
        "refunds": _l("Returned lines"),
        "refunds_without_original": _l("Returned lines without original"),
        "members": _l("Members made"),
        "points_awarded": _l("Points awarded"),
        "points_reversed": _l("Points taken back"),
    }

    def stage(self, rows: Iterable[RawRow], *, columns: Sequence[str], mapping: Mapping, context: Context) -> Staged:
        """Turn rows into documents and refusals."""
        return import_rules.stage(rows, columns=columns, mapping=mapping, context=context)

    def preview(self, staged: Staged, order: Order) -> dict[str, Any]:
        """What is new, known, or known with other content; members to be made; refunds that will find an original."""
        docs = [Doc.of(document.data) for document in staged.documents]
        unchanged, differs = import_queries.known_lines(docs, source=order.source)
        figures = dict(staged.figures)
        numbers = figures.pop("members")
        known = import_queries.known_numbers(numbers)
        total = sum(document.lines for document in staged.documents)
        matched = import_queries.matchable_returns(docs) if figures["refunds"] else 0
        return {
            **figures, "taken": total - unchanged - differs, "unchanged": unchanged, "differs": differs,
            "members": len(numbers) - known, "known_members": known, "refunds_matched": matched,
        }  # fmt: skip

    def take(self, documents: Sequence[list[Any]], order: Order) -> Taken:
        """Take a chunk: products, members, purchases, then returns; documents known before are compared."""
        return _Chunk([Doc.of(data) for data in documents], order).take()

    def undo(self, import_id: UUID, *, limit: int) -> int:
        """Take back the purchases and returns of an import. Raises ImportInUse."""
        services.undo_import(import_id)
        return 0

    def findings(self, import_id: UUID, *, limit: int) -> list[Finding]:
        """Returned lines whose original is not known."""
        return import_queries.without_original(import_id, limit=limit)


class _Rows(NamedTuple):
    """Which lines of a document go to the writer, and under which external id."""

    doc: Doc
    external_id: str
    lines: Sequence[Sequence[Any]]


class _Chunk:
    """One chunk on its way: gathers what became of every line."""

    def __init__(self, docs: list[Doc], order: Order) -> None:
        self.docs, self.order = docs, order
        self.taken = Taken(counts=dict.fromkeys(PurchaseImport.counts, 0))

    def take(self) -> Taken:
        self._know_products()
        self._know_members()
        plain = [doc for doc in self.docs if not doc.mark]
        for form in ("p", "r"):
            same = [_Rows(doc, doc.key, doc.lines) for doc in plain if doc.form == form]
            for rows, outcome in zip(same, self._write(form, same), strict=True):
                if outcome.status == "event_differs":
                    self._merge(rows.doc)
                else:
                    self._note(rows, outcome)
        self._take_mended([doc for doc in self.docs if doc.mark])
        return self.taken

    def _know_products(self) -> None:
        names = {(line[2], line[3], line[7]): None for doc in self.docs for line in doc.lines if line[2]}
        ensure_products(names, import_id=self.order.import_id)

    def _know_members(self) -> None:
        if not self.order.options.get("create_members", True):
            return
        first: dict[str, datetime] = {}
        for doc in self.docs:
            if doc.member and (doc.member not in first or doc.at < first[doc.member]):
                first[doc.member] = doc.at
        rows = [MemberRow(number, joined_at=at) for number, at in first.items()]
        self.taken.counts["members"] += len(ensure_members(rows, import_id=self.order.import_id).created)

    def _write(self, form: str, rows: Sequence[_Rows]) -> Sequence[Outcome]:
        if not rows:
            return []
        source, import_id = self.order.source, self.order.import_id
        if form == "p":
            bought = [purchase_doc(each.doc, each.external_id, each.lines) for each in rows]
            return services.record_purchases(bought, source=source, import_id=import_id)
        returned = [refund_doc(each.doc, each.external_id, each.lines) for each in rows]
        return refunds.record_refunds(returned, source=source, import_id=import_id)

    def _note(self, rows: _Rows, outcome: Outcome) -> None:
        doc, number = rows.doc, len(rows.lines)
        if outcome.status == "unchanged":
            self.taken.unchanged += number
        elif outcome.status == "new":
            self._count_new(doc, number, outcome)
        elif outcome.status == "unknown_member":
            self._refuse(doc, rows.lines, "unknown_member", value=doc.member)
        else:
            self._refuse(doc, rows.lines, outcome.status, document=doc.key)

    def _count_new(self, doc: Doc, number: int, outcome: Outcome) -> None:
        counts = self.taken.counts
        self.taken.taken += number
        counts["anonymous"] += 0 if doc.member else number
        if doc.form == "p":
            counts["purchases"] += 1
            counts["points_awarded"] += outcome.points
        else:
            counts["refunds"] += number
            counts["refunds_without_original"] += outcome.unmatched
            counts["points_reversed"] += outcome.points

    def _refuse(self, doc: Doc, lines: Sequence[Sequence[Any]], code: str, **detail: str) -> None:
        self.taken.refusals.extend(Refusal(line[1], code, "", detail, doc.key) for line in lines)

    def _merge(self, doc: Doc) -> None:
        """A document known with another content: lines it lost are fine, lines an earlier import refused are added."""
        recorded = import_queries.recorded(doc, source=self.order.source)
        if not recorded.same_member:
            self._refuse(doc, doc.lines, "event_differs", document=doc.key)
            return
        extra, missing = left_out(doc.lines, recorded.lines)
        self.taken.unchanged += len(doc.lines) - len(extra)
        if not extra:
            return
        if missing or not recorded.had_refusals:
            self._refuse(doc, extra, "event_differs", document=doc.key)
            return
        self._add(doc, extra, recorded)

    def _add(self, doc: Doc, lines: Sequence[Sequence[Any]], recorded: Recorded) -> None:
        """Record further lines of a document beside it, as a document of their own: nothing recorded is changed."""
        rows = _Rows(doc, f"{doc.key}#{recorded.documents + 1}" if recorded.documents else doc.key, lines)
        (outcome,) = self._write(doc.form, [rows])
        self._note(rows, outcome)
        if doc.mark and outcome.status == "new":
            self.taken.mended.append(doc.mark)

    def _take_mended(self, docs: Sequence[Doc]) -> None:
        """Rows that an earlier import refused and somebody mended: each is taken once, whatever its content."""
        done = mended([doc.mark for doc in docs])
        for doc in docs:
            if doc.mark in done:
                self.taken.unchanged += len(doc.lines)
                continue
            recorded = import_queries.recorded(doc, source=self.order.source)
            if recorded.documents and not recorded.same_member:
                self._refuse(doc, doc.lines, "event_differs", document=doc.key)
            else:
                self._add(doc, doc.lines, recorded)


def customer_numbers(data: bytes) -> list[str]:
    """The customer numbers in a file of purchases, each once, in the order of the file. Raises Unreadable."""
    form = sniff(data)
    mapping = guess(FIELDS, form.columns, [row.cells for row in first_rows(data, form)])
    place = mapping.indexes(form.columns)["member"]
    numbers = (clean_id(row.cells[place]) for row in read(data, form) if row.problem is None)
    return list(dict.fromkeys(number for number in numbers if number))


PURCHASES: Kind = register(PurchaseImport())
