"""What a gateway is: something that takes one finished message and hands it to the world outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID


@dataclass(frozen=True)
class Parcel:
    """A finished message. `id` and `message_id` are the same at every attempt."""

    id: UUID
    recipient: str
    text: str
    created_at: datetime
    subject: str = ""
    html: str = ""
    message_id: str = ""
    sender: str = ""
    envelope_from: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    secret: bool = False


class Trouble(Exception):  # read as "except Temporary", "except Permanent"
    """A message did not get through; the text is what the other side said."""


class Temporary(Trouble):
    """Try again later. With `down` the whole gateway is out of reach, not this one recipient."""

    def __init__(self, text: str, *, down: bool = False) -> None:
        super().__init__(text)
        self.down = down


class Permanent(Trouble):
    """Never try again. With `dead` the address itself does not exist."""

    def __init__(self, text: str, *, dead: bool = False) -> None:
        super().__init__(text)
        self.dead = dead


class Unclear(Trouble):
    """The conversation broke off after the text was handed over: it may have arrived."""


class Gateway(Protocol):
    """One way out. A new channel is a class like this and a line in gateways.py."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def ready(self) -> None:
        """Connect if need be. Raises Temporary(down=True)."""
        ...

    def deliver(self, parcel: Parcel) -> None:
        """Hand one message over. Raises Temporary, Permanent or Unclear."""
        ...
