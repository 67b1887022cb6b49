"""Rows of a contact file to people: number, name, addresses, birthday, language, consent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tenants.delivery.phones import normal_email, normal_phone
from tenants.imports.kinds import Context, Document, Refusal, Staged
from tenants.imports.mapping import Mapping
from tenants.imports.readers import RawRow
from tenants.imports.values import clean_id, fold, moment_reader, parse_flag

CONSENTS = ("programme_email", "marketing_email", "programme_sms", "marketing_sms")
LOCALES = {
    "en": "en", "eng": "en", "english": "en", "英文": "en", "英语": "en", "英語": "en",
    "zh": "zh_Hans", "zhcn": "zh_Hans", "zhhans": "zh_Hans", "chs": "zh_Hans", "chinese": "zh_Hans", "cn": "zh_Hans",
    "zhhanscn": "zh_Hans", "中文": "zh_Hans", "简体": "zh_Hans", "简体中文": "zh_Hans", "汉语": "zh_Hans",
    "zhtw": "zh_Hant", "zhhk": "zh_Hant", "zhhant": "zh_Hant", "cht": "zh_Hant", "tw": "zh_Hant", "hk": "zh_Hant",
    "zhhanttw": "zh_Hant", "zhhanthk": "zh_Hant", "繁體": "zh_Hant", "繁體中文": "zh_Hant", "正體中文": "zh_Hant",
}  # fmt: skip
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # contacts have no order but that of the file


class Bad(Exception):
    """A cell that cannot be taken."""

    def __init__(self, code: str, field: str, value: str = "") -> None:
        super().__init__(code)
        self.code, self.field, self.detail = code, field, {"value": value} if value else {}


class ContactReader:
    """Reads the cells of one file's rows."""

    def __init__(self, columns: Sequence[str], mapping: Mapping, context: Context) -> None:
        self.place = mapping.indexes(columns)
        self.names = {key: columns[place] for key, place in self.place.items()}
        self.country, self.today = context.country, context.now.date()
        self.moment = moment_reader(mapping.date_order, context.zone)

    def _cell(self, cells: list[str], key: str) -> str:
        place = self.place.get(key, -1)
        return fold(cells[place]) if place >= 0 else ""

    def read(self, line: int, cells: list[str]) -> list[Any]:
        """[line, number, name, birthday, locale, e-mail, phone, consents, joined] as JSON values, or Bad."""
        number = clean_id(self._cell(cells, "number"))
        if not number:
            raise Bad("missing", "number")
        consents = [self._flag(cells, key) for key in CONSENTS]
        return [
            line, number[:100], self._name(cells)[:200], self._day(cells, "birthday"), self._locale(cells),
            self._email(cells), self._phone(cells), consents, self._day(cells, "joined"),
        ]  # fmt: skip

    def _name(self, cells: list[str]) -> str:
        whole = self._cell(cells, "name")
        if whole:
            return whole
        given, family = self._cell(cells, "given_name"), self._cell(cells, "family_name")
        chinese = any("\u4e00" <= character <= "\u9fff" for character in family)
        return f"{family}{given}" if chinese else f"{given} {family}".strip()

    def _day(self, cells: list[str], key: str) -> str | None:
        text = self._cell(cells, key)
        if not text:
            return None
        moment = self.moment(text)
        if moment is None:
            raise Bad("not_a_date", key, text)
        if moment.at.date() > self.today:
            raise Bad("in_the_future", key, text)
        return moment.at.date().isoformat()

    def _locale(self, cells: list[str]) -> str | None:
        text = self._cell(cells, "language")
        if not text:
            return None
        found = LOCALES.get(text.lower().replace("-", "").replace("_", "").replace(" ", ""))
        found = found or ("en" if text.lower().startswith("en") else None)
        if found is None:
            raise Bad("no_such_choice", "language", text)
        return found

    def _email(self, cells: list[str]) -> str:
        text = self._cell(cells, "email")
        found = normal_email(text) if text else ""
        if found is None:
            raise Bad("bad_email", "email", text)
        return found

    def _phone(self, cells: list[str]) -> str:
        text = self._cell(cells, "phone")
        # Spreadsheets turn numbers into decimals and eat the plus sign.
        found = normal_phone(clean_id(text), country=self.country) if text else ""
        if found is None:
            raise Bad("bad_phone", "phone", text)
        return found

    def _flag(self, cells: list[str], key: str) -> bool | None:
        if key not in self.place:
            return None
        text = self._cell(cells, key)
        flag = parse_flag(text)
        if flag is None:
            raise Bad("not_yes_or_no", key, text)
        return flag if text else None


def stage(rows: Iterable[RawRow], *, columns: Sequence[str], mapping: Mapping, context: Context) -> Staged:
    """All rows of a contact file, each a document of one line; a number's second row is refused."""
    reader = ContactReader(columns, mapping, context)
    documents: list[Document] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    lines = 0
    for raw in rows:
        lines += 1
        if raw.problem is not None:
            code, column, detail = raw.problem
            refusals.append(Refusal(raw.line, code, column, detail, cells=raw.cells))
            continue
        try:
            data = reader.read(raw.line, raw.cells)
            if data[1] in seen:
                raise Bad("twice", "number", data[1])
        except Bad as bad:
            column = reader.names.get(bad.field, "")
            refusals.append(Refusal(raw.line, bad.code, column, bad.detail, cells=raw.cells))
            continue
        seen.add(data[1])
        documents.append(Document(_ANY_TIME, 1, data))
    return Staged(lines, documents, refusals, figures=figures(documents))


def figures(documents: Sequence[Document]) -> dict[str, Any]:
    """How many people, e-mail addresses, phone numbers and consents a file brings."""
    rows = [document.data for document in documents]
    return {
        "members": [row[1] for row in rows],
        "emails": sum(1 for row in rows if row[5]),
        "phones": sum(1 for row in rows if row[6]),
        "consents": sum(1 for row in rows if any(row[7])),
    }
