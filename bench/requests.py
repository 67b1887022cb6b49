"""The requests of the bench: awards, purchases, batches; each business event once."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import count
from typing import Any

from bench.load import Request
from bench.people import Shop

_numbers = count(1)
_random = random.Random(20_261_122)  # the same requests in every run
SKUS = [f"SKU-{n}" for n in range(500)]


def _request(shop: Shop, path: str, body: object) -> Request:
    headers = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/json"}
    return Request("POST", f"/t/{shop.slug}/api/v1/{path}", headers, json.dumps(body, separators=(",", ":")))


def _member(shop: Shop) -> str:
    return str(_random.randrange(shop.members) + 1)


def award(shop: Shop) -> dict[str, Any]:
    """A bare award."""
    return {"member": _member(shop), "points": 10, "external_id": f"a{next(_numbers)}"}


def purchase(shop: Shop) -> dict[str, Any]:
    """A purchase with three lines."""
    lines = [
        {"sku": _random.choice(SKUS), "quantity": "2", "unit_price": f"{_random.randrange(100, 9999) / 100:.2f}"}
        for _ in range(3)
    ]
    return {"member": _member(shop), "external_id": f"p{next(_numbers)}", "lines": lines}


def awards(shops: Sequence[Shop], how_many: int) -> list[Request]:
    """Bare awards, spread over tenants and members at random."""
    return [_request(shop, "awards", award(shop)) for shop in _random.choices(shops, k=how_many)]


def purchases(shops: Sequence[Shop], how_many: int) -> list[Request]:
    """Full purchases, spread over tenants and members at random."""
    return [_request(shop, "purchases", purchase(shop)) for shop in _random.choices(shops, k=how_many)]


def batches(shops: Sequence[Shop], how_many: int, *, size: int) -> list[Request]:
    """Batches of bare awards."""
    return [
        _request(shop, "awards/batch", {"awards": [award(shop) for _ in range(size)]})
        for shop in _random.choices(shops, k=how_many)
    ]
