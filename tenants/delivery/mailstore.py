"""The development mailbox on disk: one file per mail (.eml) or text (.sms), newest name last. No database."""

from __future__ import annotations

import email
import email.policy
import functools
import itertools
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path

KEPT = 5000
_NAME = re.compile(r"[0-9]{19}-[0-9]{4}\.(eml|sms)")
_running = itertools.count()


@dataclass(frozen=True)
class Arrived:
    """A mail or a text as it arrived. `html` is empty where there is none."""

    name: str
    kind: str
    at: datetime
    sender: str
    to: str
    subject: str
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Mailstore:
    """The folder and what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_mail(self, content: bytes, *, sender: str, to: str) -> None:
        """Keep a mail with its envelope."""
        envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {to}\r\n".encode()
        self._put(envelope + content, "eml")

    def put_text(self, *, ident: str, to: str, text: str) -> bool:
        """Keep a text; False when this id came before, which a gateway sends once."""
        mark = self.folder / "ids" / re.sub(r"[^0-9A-Za-z-]", "", ident)[:64]
        mark.parent.mkdir(parents=True, exist_ok=True)
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        self._put(json.dumps({"id": ident, "to": to, "text": text}).encode(), "sms")
        return True

    def _put(self, content: bytes, kind: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        running = next(_running) % 10_000
        target = self.folder / f"{time.time_ns():019d}-{running:04d}.{kind}"
        draft = target.with_suffix(".new")
        draft.write_bytes(content)
        draft.rename(target)  # a reader never meets half a mail
        if running % 200 == 0:
            self._thin()

    def _thin(self) -> None:
        for name in self._names()[KEPT:]:
            (self.folder / name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        try:
            return sorted(filter(_NAME.fullmatch, os.listdir(self.folder)), reverse=True)
        except FileNotFoundError:
            return []

    def list(self, *, to: str = "", limit: int = 50) -> list[Arrived]:
        """The newest, without their texts; `to` is a part of an address or a subject."""
        wanted = to.strip().lower()
        return list(itertools.islice(self._matching(wanted), limit))

    def _matching(self, wanted: str) -> Iterator[Arrived]:
        for name in self._names():
            try:
                found = self._head(name)
            except FileNotFoundError:  # thinned out meanwhile
                continue
            if wanted in found.to.lower() or wanted in found.subject.lower():
                yield found

    def _head(self, name: str) -> Arrived:
        if name.endswith(".sms"):
            return self.read(name)
        return _mail_head(self.folder, name)

    def read(self, name: str) -> Arrived:
        """One mail or text. Raises FileNotFoundError."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        content = (self.folder / name).read_bytes()
        if name.endswith(".sms"):
            body = json.loads(content)
            return Arrived(name, "sms", _at(name), "", body["to"], body["text"], body["text"])
        mail = email.message_from_bytes(content, policy=email.policy.default)
        headers = tuple((key, str(value)) for key, value in mail.items())
        parts = {"text": _part(mail, "plain"), "html": _part(mail, "html")}
        found = _of(name, mail)
        return Arrived(**{**vars(found), **parts, "headers": headers})

    def clear(self) -> None:
        """Throw everything away."""
        for name in self._names():
            (self.folder / name).unlink(missing_ok=True)


@functools.lru_cache(maxsize=20_000)
def _mail_head(folder: Path, name: str) -> Arrived:
    """The head of a mail; a file never changes, and the modern policy takes milliseconds to read a header."""
    with (folder / name).open("rb") as file:
        head = file.read(8192).partition(b"\r\n\r\n")[0]
    mail = email.message_from_bytes(head, policy=email.policy.compat32)
    said = {
        key: str(make_header(decode_header(mail.get(key, "")))) for key in ("From", "To", "X-Envelope-To", "Subject")
    }
    return Arrived(name, "email", _at(name), said["From"], said["X-Envelope-To"] or said["To"], said["Subject"])


def _at(name: str) -> datetime:
    return datetime.fromtimestamp(int(name[:19]) / 1e9, UTC)


def _of(name: str, mail: EmailMessage) -> Arrived:
    to = str(mail["X-Envelope-To"] or mail["To"] or "")
    return Arrived(name, "email", _at(name), str(mail["From"] or ""), to, str(mail["Subject"] or ""))


def _part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    return str(found.get_content()) if found is not None else ""
