"""Branding must be legible; host names belong to one tenant; settings are recorded."""

from __future__ import annotations

import io

from tenants.info import forget_tenants

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def test_a_pale_accent_is_refused_with_one_that_passes(staff_client):
    client = staff_client("manager")
    assert client.get("/admin/branding/").status_code == 200
    answer = client.post("/admin/branding/", data={"accent": "#ffcc00", "card": "#102040", "card_style": "waves"})
    assert answer.status_code == 422
    assert "nearest that passes is #" in answer.get_data(as_text=True)


def test_colours_card_and_logo_are_kept_and_shown(staff_client, tenant, browser_in):
    client = staff_client("manager")
    data = {"accent": "#8a1538", "card": "#102040", "card_style": "rings", "logo": (io.BytesIO(PNG), "logo.png")}
    assert client.post("/admin/branding/", data=data, content_type="multipart/form-data").status_code == 303
    forget_tenants()
    css = browser_in(tenant).get("/theme.css").get_data(as_text=True)
    assert all(part in css for part in ("#8a1538", "#102040", "repeating-radial-gradient"))
    logo = browser_in(tenant).get("/brand/logo")
    assert (logo.status_code, logo.content_type, logo.data) == (200, "image/png", PNG)
    assert "/brand/logo?v=" in client.get("/admin/branding/").get_data(as_text=True)
    script = {"accent": "#8a1538", "card": "#102040", "logo": (io.BytesIO(b"<svg onload=alert(1)>"), "x.png")}
    assert client.post("/admin/branding/", data=script, content_type="multipart/form-data").status_code == 422


def test_settings_and_hosts(staff_client, other_tenant, browser_in, tenant, app):
    client = staff_client("owner")
    data = {"name": "New name", "locale": "zh_Hans_CN", "zone": "Asia/Shanghai", "message_max_age_days": "3"}
    assert client.post("/admin/settings/", data=data).status_code == 303
    assert "New name" in client.get("/admin/settings/").get_data(as_text=True)
    assert client.post("/admin/settings/", data={**data, "zone": "Mars/Base"}).status_code == 422
    host = f"{tenant.slug}.club.example"
    assert (
        client.post("/admin/settings/hosts/new", data={"host": f"https://{host.upper()}/", "primary": "1"}).status_code
        == 303
    )
    forget_tenants()
    by_host = app.test_client().get("/theme.css", base_url=f"http://{host}")
    assert by_host.status_code == 200
    rival = staff_client("owner", where=other_tenant)
    assert rival.post("/admin/settings/hosts/new", data={"host": host}).status_code == 422
    assert rival.post(f"/admin/settings/hosts/{host}/remove").status_code == 404
    assert client.post(f"/admin/settings/hosts/{host}/remove").status_code == 303
    assert staff_client("manager").get("/admin/settings/").status_code == 403
