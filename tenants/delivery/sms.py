"""Text messages by an HTTP gateway: POST {id, to, text} as JSON with a bearer token.

The gateway must send a given `id` once however often it is asked; so a lost answer is safe to repeat.
Answers: 2xx taken (409 taken before), 429 and 5xx later, other 4xx never. A body of
{"code": "unknown_number"} says that the number does not exist.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from types import TracebackType
from typing import Self

from config.settings import Settings
from tenants.delivery.parcels import Parcel, Permanent, Temporary

TIMEOUT = 15.0
TAKEN_BEFORE, TOO_MANY, TIMED_OUT = 409, 429, 408
DEAD_CODES = frozenset({"unknown_number", "invalid_number", "unreachable_number"})


class SmsGateway:
    """The installation's SMS gateway, addressed by SMS_URL and SMS_TOKEN."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept open."""

    def ready(self) -> None:
        """Nothing to connect; without an address there is nobody to ask."""
        if not self.settings.sms_url:
            raise Temporary("no SMS gateway is set (SMS_URL)", down=True)

    def deliver(self, parcel: Parcel) -> None:
        """One request."""
        body = json.dumps({"id": str(parcel.id), "to": parcel.recipient, "text": parcel.text}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(parcel.id)}
        if self.settings.sms_token:
            headers["Authorization"] = f"Bearer {self.settings.sms_token}"
        request = urllib.request.Request(self.settings.sms_url, body, headers, method="POST")  # noqa: S310  # the operator's own setting
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                answer.read(65_536)
        except urllib.error.HTTPError as error:
            self._refused(error.code, error.read(65_536))
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise Temporary(f"{type(error).__name__}: {error}", down=True) from error

    @staticmethod
    def _refused(status: int, body: bytes) -> None:
        if status == TAKEN_BEFORE:
            return
        said = f"{status} {body.decode(errors='replace').strip()}"[:500]
        if status in (TOO_MANY, TIMED_OUT) or status >= 500:
            raise Temporary(said)
        raise Permanent(said, dead=_code(body) in DEAD_CODES)


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body).get("code", ""))
    except (ValueError, AttributeError):
        return ""
