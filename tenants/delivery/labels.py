"""What states, reasons and purposes are called, and why a message was not sent, in words."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

CHANNELS: dict[str, Any] = {"email": _l("E-mail"), "sms": _l("Text message")}
CHANNEL_ICONS = {"email": "mail", "sms": "message"}

STATES: dict[str, Any] = {
    "queued": _l("Waiting"),
    "sending": _l("Being sent"),
    "handed": _l("Handed over"),
    "sent": _l("Sent"),
    "failed": _l("Failed"),
    "not_sent": _l("Held back"),
}
STATE_COLOURS = {
    "sent": "green",
    "failed": "red",
    "not_sent": "yellow",
    "queued": "blue",
    "sending": "blue",
    "handed": "blue",
}

PURPOSES: dict[str, Any] = {
    "signin": _l("Signing in"),
    "account": _l("Account"),
    "programme": _l("Programme"),
    "marketing": _l("Offers and news"),
}
# As the reader of a message is asked; the key is the purpose.
WISHES: dict[str, Any] = {
    "programme": _l("My card: tier, points and what is about to lapse"),
    "marketing": _l("Offers, new products and events"),
}

REASONS: dict[str, Any] = {
    "no_address": _l("No address"),
    "no_consent": _l("No consent"),
    "unsubscribed": _l("Unsubscribed"),
    "suppressed": _l("On the suppression list"),
    "bounced": _l("Address does not work"),
    "too_old": _l("Too long ago"),
    "no_gateway": _l("No way out"),
    "overtaken": _l("Overtaken"),
    "cancelled": _l("Cancelled"),
}
WHY: dict[str, Any] = {
    "no_address": _l("We have no e-mail address and no phone number of this person, or it was taken away meanwhile."),
    "no_consent": _l("The person did not agree to be written to for this purpose at any of their addresses."),
    "unsubscribed": _l("Somebody who reads this address unsubscribed. Only they can agree again."),
    "suppressed": _l("This address is on the suppression list: STOP, a complaint, or an entry by hand."),
    "bounced": _l("The receiving side says that this address does not exist. Ask the person for a new one."),
    "too_old": _l(
        "What the message tells of lies further back than your setting allows. A history import sends nothing."
    ),
    "no_gateway": _l("This installation has no gateway for text messages. Its operator sets SMS_URL."),
    "overtaken": _l("Something newer happened before this could be told."),
    "cancelled": _l("The message was taken back before it went out."),
}

SUPPRESSED: dict[str, Any] = {
    "unsubscribed": _l("Unsubscribed"),
    "stop": _l("Replied STOP"),
    "hard_bounce": _l("Address does not work"),
    "complaint": _l("Marked as spam"),
    "manual": _l("By hand"),
}


def options(words: dict[str, Any]) -> list[tuple[str, Any]]:
    """As the choices of a filter or a field."""
    return list(words.items())
