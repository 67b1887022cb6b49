"""The demo: two tenants with people, cards, partners and a year of sales, made on the first start."""

from __future__ import annotations

import json
import os

from config.servers import state_dir

LEDGER = "demo.json"  # what was made, under the state directory, for the lines that `make run` prints


def sign_ins(base: str) -> list[str]:
    """Where to go and as whom, one line each; `base` is the address of the installation."""
    path = state_dir(os.environ) / LEDGER
    if not path.exists():
        return []
    made = json.loads(path.read_text(encoding="utf-8"))
    harbour, yunqi = f"{base}/t/harbour", f"{base}/t/yunqi"
    return [
        f"Password of everybody with one: {made['password']}",
        f"Harbour & Vale, a department store   {harbour}/admin/",
        f"    {' '.join(made['harbour'])}",
        f"    till  {harbour}/till/  cashier@harbour.example",
        f"    member portal  {harbour}/  {made['member']} (the code arrives in the mailbox)",
        f"云栖制造, a manufacturer, in Chinese   {yunqi}/admin/",
        f"    {' '.join(made['yunqi'])}",
        f"    partner portal  {yunqi}/partner/  {made['partner']} (the code arrives in the mailbox)",
        f"Operator   {base}/console/  {made['operator']}",
        f"Mailbox   {base}/mailbox/",
        f"API key of Harbour & Vale   {made['key']}",
    ]
