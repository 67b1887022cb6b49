"""The house rules are themselves tested: each catches what it is for, and lets the plain way pass."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AST_GREP = Path(sys.executable).parent / "ast-grep"

CAUGHT = [
    ("tenant-by-hand", "loyalty/points/services.py", "select(Lot).where(Lot.tenant_id == tenant)"),
    ("tenant-by-hand", "tenants/files/queries.py", "session.query(File).filter_by(tenant_id=tenant)"),
    ("enqueue-outside-relay", "loyalty/points/services.py", "queue.enqueue(work, 1)"),
    ("commit-outside-edge", "channels/partners/services.py", "db.session.commit()"),
    ("commit-outside-edge", "loyalty/members/views.py", "db.session.commit()"),
    ("flush-needs-reason", "loyalty/members/services.py", "def f():\n    x = 1\n    db.session.flush()\n    return x"),
    ("clock-in-rules", "loyalty/tiers/rules.py", "today = date.today()"),
    ("clock-in-rules", "loyalty/tiers/rules.py", "now = datetime.now(UTC)"),
]
ALLOWED = [
    ("loyalty/points/queries.py", "query.join(Member, Member.tenant_id == Card.tenant_id)"),
    ("tenants/scope.py", "select(Tenant).where(Tenant.tenant_id == tenant)"),  # the mechanism itself
    ("loyalty/points/jobs.py", "queue.enqueue(work, 1)"),
    ("loyalty/members/services.py", "def f():\n    # the number comes from the database\n    db.session.flush()"),
    ("loyalty/members/services.py", "def f():\n    db.session.flush()  # the constraint must speak now"),
    ("loyalty/members/services.py", "now = datetime.now(UTC)"),
]


def scan(folder: Path, place: str, code: str) -> set[str]:
    """The ids of the rules that `code` at `place` breaks."""
    shutil.copy(ROOT / "sgconfig.yml", folder)
    shutil.copytree(ROOT / "tools" / "rules", folder / "tools" / "rules")
    file = folder / place
    file.parent.mkdir(parents=True)
    file.write_text(code + "\n")
    done = subprocess.run([AST_GREP, "scan", "--json"], cwd=folder, capture_output=True, text=True, check=False)
    return {finding["ruleId"] for finding in json.loads(done.stdout or "[]")}


@pytest.mark.parametrize(("rule", "place", "code"), CAUGHT)
def test_rule_catches(tmp_path: Path, rule: str, place: str, code: str) -> None:
    assert rule in scan(tmp_path, place, code)


@pytest.mark.parametrize(("place", "code"), ALLOWED)
def test_plain_way_passes(tmp_path: Path, place: str, code: str) -> None:
    assert scan(tmp_path, place, code) == set()


def test_every_rule_has_a_case() -> None:
    rules = {path.stem for path in (ROOT / "tools" / "rules").glob("*.yml")}
    assert rules == {rule for rule, _, _ in CAUGHT}
