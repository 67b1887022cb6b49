"""The development mailbox: a process of its own that takes mail and texts, and a page that shows them."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

from config.settings import ROOT
from tenants.delivery.mailstore import Mailstore
from tests.tenants.delivery.outside import free_port


@pytest.fixture
def mailbox(tmp_path):
    """The process, with its ports and folder."""
    smtp, sms = free_port(), free_port()
    env = {
        **os.environ,
        "PERENNIAL_STATE": str(tmp_path),
        "SMTP_PORT": str(smtp),
        "SMS_URL": f"http://127.0.0.1:{sms}/sms",
        "SMS_TOKEN": "token",
    }
    process = subprocess.Popen([sys.executable, "-m", "tenants.delivery.mailbox"], env=env, cwd=ROOT)
    _wait_for(sms)
    yield smtp, sms, Mailstore(tmp_path / "mailbox"), process
    process.terminate()
    process.wait(10)


def _wait_for(port: int) -> None:
    for _try in range(300):
        with suppress(OSError):
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}"), timeout=1)
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}"), timeout=1)
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)


def _text(port: int, body: dict[str, str], token: str = "token") -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/sms", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.usefixtures("servers")
def test_it_takes_mail_and_texts_and_stops_cleanly(mailbox, scope, person, welcome, settings, mails):
    from tenants.delivery import sender

    smtp, sms, store, process = mailbox
    settings(smtp_port=smtp, sms_url=f"http://127.0.0.1:{sms}/sms", sms_token="token")
    welcome(person(email="ann@example.com"))
    text = welcome(person(phone="+447911123456"), locale="zh_Hans")
    sender.send_batch()
    assert {one.kind for one in store.list()} == {"email", "sms"}
    (mail,) = store.list(to="ann@")
    found = store.read(mail.name)
    assert "Ann" in found.text
    assert found.html
    assert dict(found.headers)["Message-ID"].startswith("<")
    again = {"id": str(text.id), "to": "+447911123456", "text": "x"}
    assert _text(sms, again) == 409  # a gateway sends each id once
    assert _text(sms, again, token="guess") == 401
    assert _text(sms, {"id": "1"}) == 400
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.usefixtures("servers")
def test_a_taken_port_is_said_in_a_sentence(mailbox, tmp_path):
    smtp, _sms, _store, _process = mailbox
    env = {**os.environ, "PERENNIAL_STATE": str(tmp_path), "SMTP_PORT": str(smtp), "SMS_URL": ""}
    second = [sys.executable, "-m", "tenants.delivery.mailbox"]
    done = subprocess.run(second, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "SMTP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def shown(app, tmp_path, monkeypatch):
    """The app looking at a mailbox with one mail and one text."""
    settings = dataclasses.replace(app.extensions["settings"], state_dir=tmp_path, env="development")
    monkeypatch.setitem(app.extensions, "settings", settings)
    store = Mailstore(tmp_path / "mailbox")
    store.put_text(ident="1", to="+447911123456", text="Your code is 1 <b>")
    body = (
        b"From: Brand <b@example.com>\r\nTo: ann@example.com\r\nSubject: =?utf-8?b?5L2g5aW9?=\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: text/plain\r\n\r\nsee https://example.com/a\r\n"
        b"--x\r\nContent-Type: text/html\r\n\r\n<html><head></head><body><script>alert(1)</script>hi</body></html>\r\n--x--\r\n"
    )
    store.put_mail(body, sender="b@example.com", to="ann@example.com")
    return store


def test_the_page_shows_what_arrived(client, shown):
    page = client.get("/mailbox/").text
    assert page.index("你好") < page.index("Your code is 1 &lt;b&gt;")  # newest first
    assert "+447911123456" not in client.get("/mailbox/?to=ann@").text
    fragment = client.get("/mailbox/?to=ann@", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "every 3s" in fragment
    (mail,) = shown.list(to="ann@")
    shown_page = client.get(f"/mailbox/{mail.name}")
    assert "frame-src 'self'" in shown_page.headers["Content-Security-Policy"]
    assert "alert(1)" not in shown_page.text
    assert 'href="https://example.com/a"' in client.get(f"/mailbox/{mail.name}?plain=1").text
    frame = client.get(f"/mailbox/{mail.name}/html")
    assert "sandbox allow-popups" in frame.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in frame.headers["Content-Security-Policy"]
    assert client.get("/mailbox/..%2f..%2fetc").status_code == 404
    assert client.get("/mailbox/0000000000000000000-0000.eml").status_code == 404


def test_in_production_and_inside_a_tenant_there_is_no_mailbox(client, app, shown, tenant, monkeypatch):
    assert client.get(f"/t/{tenant.slug}/mailbox/").status_code == 404
    monkeypatch.setitem(app.extensions, "settings", dataclasses.replace(app.extensions["settings"], env="production"))
    assert client.get("/mailbox/").status_code == 404
    assert client.post("/mailbox/clear").status_code in (400, 404)


def test_the_store_keeps_a_bounded_number(tmp_path, monkeypatch):
    from tenants.delivery import mailstore

    monkeypatch.setattr(mailstore, "KEPT", 50)
    store = Mailstore(tmp_path)
    for number in range(420):
        store.put_text(ident=str(number), to="+44", text=str(number))
    assert len(store.list(limit=1000)) <= 250
    assert store.list()[0].text == "419"
