"""The translation catalogues in translations/<locale>/LC_MESSAGES/messages.po.

    python -m tools.messages extract    collect the texts of code and templates, carry translations over
    python -m tools.messages check      say which texts have no translation
    python -m tools.messages compile    write the .mo files (set-up does this too)

English is the language of the sources and has no catalogue. The .mo files are
not committed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "translations"
LOCALES = ("zh_Hans", "zh_Hant")
SOURCES = ("app.py", "channels", "config", "demo", "loyalty", "templates", "tenants")
MAPPING = """\
[python: **.py]
[jinja2: **/templates/**.html]
[jinja2: **/templates/**.txt]
[jinja2: **.html]
[jinja2: **.txt]
extensions = jinja2.ext.i18n
"""


def _catalogue_path(locale: str) -> Path:
    return TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po"


def template() -> Catalog:
    """Every text of the sources, freshly collected."""
    with tempfile.TemporaryDirectory() as folder:
        mapping, out = Path(folder) / "babel.cfg", Path(folder) / "messages.pot"
        mapping.write_text(MAPPING)
        sources = [name for name in SOURCES if (ROOT / name).exists()]
        words = [
            "-k",
            "_l",
            "-k",
            "lazy_gettext",
            "-k",
            "ngettext:1,2",
            "-k",
            "lazy_ngettext:1,2",
            "-k",
            "pgettext:1c,2",
        ]
        command: list[str | Path] = [Path(sys.executable).parent / "pybabel", "-q", "extract", "-F", mapping, *words]
        command += ["--no-wrap", "--sort-by-file", "--project=Perennial", "-o", out, *sources]
        subprocess.run(command, cwd=ROOT, check=True)
        with out.open("rb") as handle:
            return read_po(handle)


def _read(locale: str) -> Catalog:
    path = _catalogue_path(locale)
    if not path.exists():
        return Catalog(locale=locale, project="Perennial", charset="utf-8")
    with path.open("rb") as handle:
        return read_po(handle, locale=locale)


def extract() -> int:
    """Bring every catalogue to the texts of the sources; what is gone is dropped, what is new is empty."""
    texts = template()
    for locale in LOCALES:
        catalogue = _read(locale)
        # No fuzzy matching: a translation that almost fits is a wrong one.
        catalogue.update(texts, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path = _catalogue_path(locale)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as handle:
            write_po(handle, catalogue, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
        missing = sum(1 for message in catalogue if message.id and not _translated(message))
        sys.stdout.write(f"{locale}: {len(catalogue)} texts, {missing} without translation\n")
    return 0


def _translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(texts) and all(texts) and not message.fuzzy


def check() -> int:
    """0 if every text of the sources has a translation with the same placeholders in every language."""
    texts, found = template(), []
    for locale in LOCALES:
        catalogue = _read(locale)
        for message in texts:
            if not message.id:
                continue
            there = catalogue.get(message.id, message.context)
            text = message.id if isinstance(message.id, str) else message.id[0]
            if there is None or not _translated(there):
                where = ":".join(str(part) for part in message.locations[0]) if message.locations else ""
                found.append(f"{locale}: no translation of {text!r} ({where})")
            else:
                found += [f"{locale}: {text!r}: {error}" for error in there.check(catalogue)]
    sys.stdout.write("".join(f"{line}\n" for line in found[:40]))
    if len(found) > 40:
        sys.stdout.write(f"… and {len(found) - 40} more\n")
    return 1 if found else 0


def compile_() -> int:
    """Write the .mo file beside each catalogue."""
    for locale in LOCALES:
        path = _catalogue_path(locale)
        if path.exists():
            with path.with_suffix(".mo").open("wb") as handle:
                write_mo(handle, _read(locale))
    return 0


if __name__ == "__main__":
    commands = {"extract": extract, "check": check, "compile": compile_}
    if sys.argv[1:2] == [] or sys.argv[1] not in commands:
        sys.exit(f"Say one of {', '.join(commands)}.")
    sys.exit(commands[sys.argv[1]]())
