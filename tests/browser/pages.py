"""Every page there is to photograph: who sees it, where it is, and what leads to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """A page: `path` inside the place of its visitor; `follow` is a link to click there first."""

    name: str
    path: str
    follow: str = ""


@dataclass(frozen=True)
class Visitor:
    """Somebody who signs in: with a password, or with a code from the mailbox; or a passer-by."""

    name: str
    place: str
    sign_in: str = ""
    address: str = ""
    by_code: bool = False
    locale: str = "en-GB"
    pages: tuple[Shot, ...] = ()


FIRST_ROW = "tr[data-href] .pn-row-link >> nth=0"
ADMIN = (
    Shot("start", "/admin/"),
    Shot("members", "/admin/members/"),
    Shot("member", "/admin/members/?sort=-points", FIRST_ROW),
    Shot("member-new", "/admin/members/new"),
    Shot("purchases", "/admin/purchases/"),
    Shot("purchase", "/admin/purchases/", FIRST_ROW),
    Shot("returns", "/admin/purchases/returns"),
    Shot("points", "/admin/points/"),
    Shot("programme", "/admin/points/programme"),
    Shot("programme-edit", "/admin/points/programme/edit"),
    Shot("tiers", "/admin/tiers/"),
    Shot("tier-changes", "/admin/tiers/changes"),
    Shot("messages", "/admin/messages/"),
    Shot("message", "/admin/messages/", FIRST_ROW),
    Shot("templates", "/admin/messages/templates"),
    Shot("suppressions", "/admin/messages/suppressions"),
    Shot("products", "/admin/products/"),
    Shot("imports", "/admin/imports/"),
    Shot("import", "/admin/imports/", FIRST_ROW),
    Shot("import-new", "/admin/imports/new"),
    Shot("staff", "/admin/staff/"),
    Shot("staff-invite", "/admin/staff/invite"),
    Shot("branding", "/admin/branding/"),
    Shot("settings", "/admin/settings/"),
    Shot("keys", "/admin/keys/"),
    Shot("audit", "/admin/audit/"),
    Shot("account", "/admin/account/"),
)
YUNQI_ADMIN = (
    Shot("start", "/admin/"),
    Shot("partners", "/admin/partners/"),
    Shot("partner", "/admin/partners/", FIRST_ROW),
    Shot("notices", "/admin/partners/notices"),
    Shot("products", "/admin/products/"),
)
PORTAL = (
    Shot("card", "/"),
    Shot("code", "/code"),
    Shot("points", "/points"),
    Shot("tier", "/tier"),
    Shot("history", "/history"),
    Shot("purchase", "/", ".pn-rows-main a >> nth=0"),
    Shot("me", "/me"),
    Shot("me-edit", "/me/edit"),
)
TILL = (
    Shot("till", "/till/"),
    Shot("till-found", "/till/?q=ol"),
    Shot("till-member", "/till/?q=ol", ".pn-till-rows a >> nth=0"),
)
PARTNER = (
    Shot("home", "/partner/"),
    Shot("notices", "/partner/notices"),
    Shot("products", "/partner/products"),
    Shot("people", "/partner/people"),
)
CONSOLE = (
    Shot("tenants", "/console/"),
    Shot("tenant", "/console/", FIRST_ROW),
    Shot("tenant-new", "/console/tenants/new"),
    Shot("queues", "/console/queues"),
    Shot("health", "/console/health"),
)
DOORS = (
    Shot("welcome", "/"),
    Shot("signup", "/signup"),
    Shot("signin", "/signin"),
    Shot("mailbox", "/mailbox/"),
    Shot("harbour-signin", "/t/harbour/admin/signin"),
    Shot("harbour-member-signin", "/t/harbour/me/signin"),
    Shot("problem-404", "/t/harbour/nothing"),
    Shot("offline", "/t/harbour/offline"),
)

HARBOUR, YUNQI = "/t/harbour", "/t/yunqi"
VISITORS = (
    Visitor("doors", "", pages=DOORS),
    Visitor("admin", HARBOUR, "/admin/signin", "owner@harbour.example", pages=ADMIN),
    Visitor("till", HARBOUR, "/till/signin", "cashier@harbour.example", pages=TILL),
    Visitor("portal", HARBOUR, "/me/signin", "olivia@harbour.example", by_code=True, pages=PORTAL),
    Visitor("yunqi", YUNQI, "/admin/signin", "owner@yunqi.example", locale="zh-CN", pages=YUNQI_ADMIN),
    Visitor(
        "partner", YUNQI, "/partner/signin", "chen.jing@dongwei.example", by_code=True, locale="zh-CN", pages=PARTNER
    ),
    Visitor("console", "", "/console/signin", "operator@perennial.example", pages=CONSOLE),
)
