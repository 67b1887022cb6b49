"""The world outside, for real: an SMTP server and an SMS gateway on free ports, as friendly as a test wants."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from collections import defaultdict
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mails:
    """An SMTP server. `answers[address]` holds what it says to RCPT or DATA, first things first."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, EmailMessage]] = []  # envelope from, to, mail
        self.rcpt: dict[str, list[str]] = defaultdict(list)
        self.data: dict[str, list[str]] = defaultdict(list)
        self.connections = 0
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)

    @property
    def port(self) -> int:
        return int(self.controller.port)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, host: str, said: list[str]) -> list[str]:  # noqa: N802
        self.connections += 1
        session.host_name = host
        return said

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt[address]:
            return self.rcpt[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        to = envelope.rcpt_tos[0]
        answer = self.data[to].pop(0) if self.data[to] else "250 OK"
        if answer == "take and hang up":
            self.got.append((envelope.mail_from, to, mail))  # type: ignore[arg-type]
            server.transport.close()
            return "250 OK"
        if answer.startswith("2"):
            self.got.append((envelope.mail_from, to, mail))  # type: ignore[arg-type]
        return answer

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for _sender, to, mail in self.got if to == address]


class Texts:
    """An SMS gateway that sends each id once. `answers` holds (status, body), first things first."""

    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, str]] = []
        texts = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = texts.answers.pop(0) if texts.answers else (202, "{}")
                if status < 300:
                    texts.headers.append(dict(self.headers))
                    texts.got.append(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/sms"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
