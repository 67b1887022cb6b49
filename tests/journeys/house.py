"""The whole installation as real processes on the test's database, and a plain browser without scripts."""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from config.embedded_redis import EmbeddedRedis
from config.extensions import ROOT
from tenants.delivery.mailstore import Arrived, Mailstore

PATIENCE = 60.0  # seconds; the machine may be busy with other tests


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(look: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Look until there is something, and return it; fail with `what` when it does not come in time."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {patience:.0f} s: {what}")
        time.sleep(0.1)
    return found


class House:
    """Web, relay, worker and mailbox, with a Redis of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.redis, self.port = folder, EmbeddedRedis(folder), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.mail = Mailstore(folder / "mailbox")
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Bring everything up and wait until it answers."""
        _settle_what_earlier_tests_left()
        self.redis.start()
        web = [sys.executable, "-m", "granian", "app:create_app", "--factory", "--interface", "wsgi", "--no-ws"]
        web += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "--blocking-threads", "4"]
        for name in ("tenants.delivery.mailbox", "tenants.relay", "tenants.worker"):
            self._run([sys.executable, "-m", name], name)
        self._run(web, "web")
        wait_for(self._ready, "the web server answers /readyz")

    def _run(self, command: list[str], name: str) -> None:
        environment = os.environ | {
            "PERENNIAL_STATE": str(self.folder),
            "REDIS_URL": self.redis.url(),
            "PORT": str(self.port),
            "BASE_URL": self.base,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.smtp_port),
        }
        with (self.folder / f"{name}.log").open("ab") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True
            )
        self.processes.append(process)

    @property
    def smtp_port(self) -> int:
        """One port for all of them, drawn once."""
        if not hasattr(self, "_smtp_port"):
            self._smtp_port = free_port()
        return self._smtp_port

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def letter(self, to: str, *, subject: str = "", after: str = "") -> Arrived:
        """The newest mail to an address (whose subject holds `subject`), once it has arrived after the mail `after`."""

        def look() -> Arrived | None:
            found = [one for one in self.mail.list(to=to) if subject in one.subject and one.name > after]
            return self.mail.read(found[0].name) if found else None

        letter: Arrived = wait_for(look, f"a mail to {to} about {subject!r}")
        return letter

    def stop(self) -> None:
        """End everything that was started here."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)
        self.redis.stop()


def _settle_what_earlier_tests_left() -> None:
    """Events and tasks of earlier tests of this worker must not keep the relay busy."""
    url = make_url(os.environ["DATABASE_SYSTEM_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as system:
        for table in ("receipts", "tasks"):
            system.execute(f"UPDATE {table} SET done_at = now() WHERE done_at IS NULL")  # type: ignore[arg-type]
        system.execute("UPDATE events SET published_at = now() WHERE published_at IS NULL")


@pytest.fixture(scope="module")
def house(servers: None) -> Iterator[House]:
    """The installation, for the tests of one file. The folder is short because a socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    made = House(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201  shown when a test fails
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Page:
    """An answer: where it came from in the end, its status and its text."""

    url: str
    status: int
    text: str

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, f"no field {name} on {self.url}"
        return html.unescape(found[1])

    def says(self, words: str) -> bool:
        """Whether the words stand on the page, whatever the markup between them."""
        plain = html.unescape(re.sub(r"<[^>]+>", " ", self.text))
        return " ".join(words.split()) in " ".join(plain.replace("\xa0", " ").split())


class Visitor:
    """A browser that keeps cookies, follows redirects, sends the CSRF token of the page, and runs no script."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.page = Page("", 0, "")

    def get(self, path: str) -> Page:
        """Open a page: a path of the place, or a whole address."""
        return self._send(urllib.request.Request(self._url(path)))

    def post(self, path: str = "", **fields: str) -> Page:
        """Fill in the form of the present page and send it."""
        data = {"csrf_token": self.page.hidden("csrf_token"), **fields}
        request = urllib.request.Request(
            self._url(path) if path else self.page.url, urllib.parse.urlencode(data).encode()
        )
        request.add_header("Referer", self.page.url)
        return self._send(request)

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.base}{path}"

    def _send(self, request: urllib.request.Request) -> Page:
        try:
            with self.opener.open(request, timeout=30) as answer:
                self.page = Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            self.page = Page(error.url or "", error.code, error.read().decode())
        return self.page


def code_in(letter: Arrived | EmailMessage) -> str:
    """The one-time code in a mail."""
    text = letter.text if isinstance(letter, Arrived) else letter.get_content()
    found = re.search(r"\b(\d{3}) ?(\d{3})\b", text)
    assert found, text
    return found[1] + found[2]
