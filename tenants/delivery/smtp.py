"""E-mail by SMTP: one connection for a batch, each mail with a Message-ID of its own that never changes."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, formataddr, parseaddr
from types import TracebackType
from typing import Self

from config.settings import Settings
from tenants.delivery.parcels import Parcel, Permanent, Temporary, Unclear

TIMEOUT = 20.0
IMPLICIT_TLS = 465
OK, ACCEPTED = 250, (250, 251, 252)
# RFC 3463: 5.1.x says the address is bad; 5.2.1 that the mailbox is closed.
_DEAD = re.compile(r"\b5\.(1\.[0136]|1\.10|2\.1)\b")
_ENHANCED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_UNKNOWN = re.compile(
    r"(user|mailbox|recipient|address)\b.*\b(unknown|not exist|no such|invalid|unavailable|disabled|not found)"
    r"|(unknown|no such|invalid)\b.*\b(user|mailbox|recipient|address)",
    re.IGNORECASE,
)


def is_dead(code: int, answer: str) -> bool:
    """Whether a refusal says that the address does not exist (and not that we are unwelcome)."""
    if code < 500:
        return False
    if _ENHANCED.search(answer):
        return bool(_DEAD.search(answer))
    return code in (550, 551, 553) and bool(_UNKNOWN.search(answer))


def trouble(code: int, answer: bytes | str) -> Temporary | Permanent:
    """The other side's answer as what it means for us."""
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    said = f"{code} {' '.join(text.split())}"[:500]
    return Permanent(said, dead=is_dead(code, text)) if code >= 500 else Temporary(said)


def ascii_domain(address: str) -> str:
    """The address with its domain as DNS writes it. Raises Permanent when it cannot be written so."""
    local, _at, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise Permanent(f"not a domain: {domain}", dead=True) from error


def build(parcel: Parcel) -> EmailMessage:
    """The mail as MIME: text, and the same as HTML where there is one."""
    mail = EmailMessage()
    mail["From"] = parcel.sender
    mail["To"] = ascii_domain(parcel.recipient)
    mail["Subject"] = " ".join(parcel.subject.split())
    mail["Date"] = format_datetime(parcel.created_at)
    mail["Message-ID"] = parcel.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    for name, value in parcel.headers.items():
        mail[name] = value
    mail.set_content(parcel.text, cte="quoted-printable")
    if parcel.html:
        mail.add_alternative(parcel.html, subtype="html", cte="quoted-printable")
    return mail


def sender_line(mail_from: str, *, name: str) -> str:
    """The From line: the tenant's name at the installation's address."""
    return formataddr((name, parseaddr(mail_from)[1]))


class SmtpGateway:
    """An SMTP server as a gateway, addressed by the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def ready(self) -> None:
        """Connect, unless connected."""
        if self.server is not None:
            return
        try:
            self.server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(f"{type(error).__name__}: {error}", down=True) from error

    def _connect(self) -> smtplib.SMTP:
        wanted = self.settings
        # Naming ourselves by the mail domain spares a DNS look-up and does not tell our host name.
        us = parseaddr(wanted.mail_from)[1].rpartition("@")[2] or "localhost"
        kind = smtplib.SMTP_SSL if wanted.smtp_port == IMPLICIT_TLS else smtplib.SMTP
        server = kind(wanted.smtp_host, wanted.smtp_port, local_hostname=us, timeout=TIMEOUT)
        try:
            if wanted.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
            if wanted.smtp_username:
                server.login(wanted.smtp_username, wanted.smtp_password)
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def deliver(self, parcel: Parcel) -> None:
        """One SMTP transaction. What breaks before DATA is safe to repeat; what breaks in it is unclear."""
        self.ready()
        mail, server = build(parcel), self.server
        assert server is not None  # ready() has made it or raised
        recipient = ascii_domain(parcel.recipient)
        international = not recipient.isascii()
        if international and not server.has_extn("smtputf8"):
            raise Permanent("the mail server takes no addresses outside ASCII")
        data = mail.as_bytes(policy=SMTPUTF8 if international else SMTP)
        try:
            self._envelope(server, parcel.envelope_from, recipient, international=international)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Temporary(f"{type(error).__name__}: {error}") from error
        self._data(server, data)

    def _envelope(self, server: smtplib.SMTP, sender: str, recipient: str, *, international: bool) -> None:
        options = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
        code, answer = server.mail(sender, options)
        if code == OK:
            code, answer = server.rcpt(recipient)
        if code not in ACCEPTED:
            self._after_refusal(code)
            raise trouble(code, answer)

    def _data(self, server: smtplib.SMTP, data: bytes) -> None:
        try:
            code, answer = server.data(data)
        except smtplib.SMTPDataError as error:  # refused before the text was sent
            self._after_refusal(error.smtp_code)
            raise trouble(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Unclear(f"{type(error).__name__}: {error}") from error
        if code != OK:
            self._after_refusal(code)
            raise trouble(code, answer)

    def _after_refusal(self, code: int) -> None:
        if code == 421:  # the server closes
            self._drop()
        elif self.server is not None:
            try:
                self.server.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def _drop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
