"""The development mailbox: a real SMTP server and a stand-in for the SMS gateway, showing what arrives.

    python -m tenants.delivery.mailbox

Mail is taken on SMTP_PORT, texts on the host and port of SMS_URL; both are kept under
PERENNIAL_STATE/mailbox and shown in the browser at /mailbox. Nothing goes any further.
"""

from __future__ import annotations

import hmac
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config.settings import Settings, SettingsError, get_settings
from tenants.delivery.mailstore import Mailstore

LARGEST = 1 << 20


class Inbox:
    """aiosmtpd's handler: every mail is taken, once per recipient."""

    def __init__(self, store: Mailstore) -> None:
        self.store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep the mail."""
        content = envelope.content or b""
        for to in envelope.rcpt_tos:
            data = content if isinstance(content, bytes) else content.encode()
            self.store.put_mail(data, sender=envelope.mail_from or "", to=to)
        return "250 OK"


def _texts(store: Mailstore, token: str) -> type[BaseHTTPRequestHandler]:
    class Texts(BaseHTTPRequestHandler):
        """What an SMS gateway does, as sms.py describes it."""

        def do_POST(self) -> None:  # http.server's name
            """Take one text; the same id a second time is answered 409."""
            given = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token and not hmac.compare_digest(given.encode(), token.encode()):
                return self._answer(401, {"code": "token"})
            try:
                body = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST)))
                ident, to, text = str(body["id"]), str(body["to"]), str(body["text"])
            except (ValueError, KeyError, TypeError):
                return self._answer(400, {"code": "malformed"})
            taken = store.put_text(ident=ident, to=to, text=text)
            return self._answer(202 if taken else 409, {"id": ident})

        def _answer(self, status: int, body: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            """Say nothing."""

    return Texts


def store_of(settings: Settings) -> Mailstore:
    """Where this installation's development mail is kept."""
    return Mailstore(settings.state_dir / "mailbox")


def start(settings: Settings) -> tuple[Controller, ThreadingHTTPServer | None]:
    """Open both doors. Raises OSError when a port is taken."""
    store = store_of(settings)
    mails = Controller(Inbox(store), hostname="127.0.0.1", port=settings.smtp_port, enable_SMTPUTF8=True)
    mails.start()
    at = urlsplit(settings.sms_url)
    if at.hostname not in ("127.0.0.1", "localhost") or not at.port:
        return mails, None  # texts go to a real gateway
    texts = ThreadingHTTPServer(("127.0.0.1", at.port), _texts(store, settings.sms_token))
    threading.Thread(target=texts.serve_forever, daemon=True).start()
    return mails, texts


def main() -> int:
    """Run until told to stop."""
    try:
        settings = get_settings()
        mails, texts = start(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The mailbox cannot open its port: {error}. Set SMTP_PORT to a free one.\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    stop.wait()
    if texts is not None:
        texts.shutdown()
    mails.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
