"""The earning rule as a sentence, for members and for staff."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from flask_babel import gettext as _
from flask_babel import ngettext

from tenants.formats import money, number


def rule_sentence(document: Mapping[str, Any], *, currency: str) -> str:
    """What a purchase earns and how long it lasts, from a rule's document."""
    return " ".join((_earning(document, currency), _rounding(document), _lasting(document)))


def _earning(document: Mapping[str, Any], currency: str) -> str:
    points = Decimal(str(document["points"]))
    step = Decimal(str(document.get("step") or 1))
    amount = money(int(step.scaleb(get_currency_precision(currency))), currency)
    if document.get("step"):
        return _("%(points)s points for every full %(amount)s of a purchase.", points=number(points), amount=amount)
    if points == 1:
        return _("One point for each %(amount)s of a purchase.", amount=amount)
    return _("%(points)s points for each %(amount)s of a purchase.", points=number(points), amount=amount)


def _rounding(document: Mapping[str, Any]) -> str:
    if document.get("rounding") == "line":
        return _("Each line is rounded down.")
    return _("The sum is rounded down once.")


def _lasting(document: Mapping[str, Any]) -> str:
    months = int(document.get("months") or 0)
    if not months:
        return _("Points do not lapse.")
    match document.get("round_up"):
        case "month":
            return ngettext(
                "Points last %(num)d month, to the end of that month.",
                "Points last %(num)d months, to the end of that month.",
                months,
            )
        case "quarter":
            return ngettext(
                "Points last %(num)d month, to the end of that quarter.",
                "Points last %(num)d months, to the end of that quarter.",
                months,
            )
        case "year":
            return ngettext(
                "Points last %(num)d month, to the end of that year.",
                "Points last %(num)d months, to the end of that year.",
                months,
            )
    return ngettext("Points last %(num)d month.", "Points last %(num)d months.", months)
