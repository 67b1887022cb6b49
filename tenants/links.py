"""Whole addresses, for mails and other places that a request does not see."""

from __future__ import annotations

from config.settings import get_settings
from tenants.info import TenantInfo, tenant_info


def platform_url(path: str = "/") -> str:
    """The whole address of a path outside all tenants."""
    return f"{get_settings().base_url}{path}"


def tenant_url(path: str = "/", tenant: TenantInfo | None = None) -> str:
    """The whole address of a path inside a tenant, such as "/me/signin"; the one in force by default.

    A tenant's own host name is used when its settings name one (`primary_host`).
    """
    info = tenant or tenant_info()
    host = str(info.settings.get("primary_host") or "")
    base = get_settings().base_url
    if host:
        return f"{base.split('://')[0]}://{host}{path}"
    return f"{base}/t/{info.slug}{path}"
