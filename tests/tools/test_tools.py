"""The tools behind `make`: what they refuse and what they mend."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check, install, lock, messages, templates

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "line",
    [
        "<script>alert(1)</script>",
        '<div style="color: red">',
        "<style>b {}</style>",
        '<button onclick="go()">',
        '<a hx-on:click="go()">',
        '<a href="javascript:go()">',
    ],
)
def test_what_the_csp_blocks_is_found(line: str) -> None:
    assert templates.blocked(f"<p>\n{line}\n</p>")[0][0] == 2


@pytest.mark.parametrize(
    "line",
    [
        '<script src="/static/app.js" defer></script>',
        '<script type="application/json" id="data">{}</script>',
        '<a href="/x" hx-get="/x" class="on">',
    ],
)
def test_what_it_allows_passes(line: str) -> None:
    assert templates.blocked(line) == []


def test_long_function_is_found_and_its_docstring_not_counted() -> None:
    body = "\n".join(f"    x = {n}" for n in range(41))
    assert [name for _, name, _ in check._long(ast.parse(f"def f():\n{body}"))] == ["f"]
    doc = '    """' + "\n".join(f"line {n}" for n in range(50)) + '"""\n    return 1'
    assert check._long(ast.parse(f"def f():\n{doc}")) == []


def test_locks_fit_and_name_no_registry() -> None:
    assert lock.check() == 0


def test_lock_that_misses_something_is_refused() -> None:
    assert lock._misfits(["Flask==0.1"], "requirements.lock") == [
        "requirements.lock does not fit Flask==0.1: make lock"
    ]


def test_no_registry_and_no_machine_in_committed_text() -> None:
    hosts = ("registry.npmjs" + ".org", "files.pythonhosted" + ".org", "pypi" + ".org/simple")
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    for name in done.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".toml", ".json", ".lock", ".md", ".yml", ""} and path.is_file():
            text = path.read_text(errors="replace")
            assert not [host for host in hosts if host in text], name


def test_wrong_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in [(3, 9, 2), (3, 10, 0), (3, 14, 1)]:
        monkeypatch.setattr(install.sys, "version_info", version)
        with pytest.raises(install.Stop, match=r"Perennial needs Python 3\.11, 3\.12 or 3\.13"):
            install.check_python()


def test_set_up_parses_under_an_old_python() -> None:
    ast.parse((ROOT / "tools" / "install.py").read_text(), feature_version=(3, 6))


def test_network_trouble_is_told_from_other_trouble() -> None:
    offline = [sys.executable, "-c", "print('Temporary failure in name resolution'); raise SystemExit(1)"]
    with pytest.raises(install.Stop, match="no network"):
        install.run(offline, "broken", "no network")
    with pytest.raises(install.Stop, match="broken"):
        install.run([sys.executable, "-c", "raise SystemExit(1)"], "broken", "no network")


def test_half_made_step_has_no_stamp(tmp_path: Path) -> None:
    mark = str(tmp_path / "made")
    assert not install.stamped(mark, "a")
    install.stamp(mark, "a")
    assert install.stamped(mark, "a")
    assert not install.stamped(mark, "b"), "what it was made from has changed"


def test_texts_are_collected_from_code_and_templates() -> None:
    collected = messages.template()
    assert len(collected) > 50
    places = {str(message.locations[0][0]).split("/")[0] for message in collected if message.locations}
    assert {"tenants", "templates"} <= places
