"""Which ways out this installation has. A new channel: a gateway class, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from config.settings import Settings, get_settings
from tenants.delivery.parcels import Gateway
from tenants.delivery.sms import SmsGateway
from tenants.delivery.smtp import SmtpGateway

GATEWAYS: dict[str, Callable[[Settings], Gateway]] = {"email": SmtpGateway, "sms": SmsGateway}


def gateway(channel: str) -> Gateway:
    """The way out of a channel, not yet connected."""
    return GATEWAYS[channel](get_settings())


def closed_channels() -> frozenset[str]:
    """Channels that this installation has no gateway for."""
    return frozenset() if get_settings().sms_url else frozenset({"sms"})


def mail_domain() -> str:
    """The domain our mail comes from."""
    return parseaddr(get_settings().mail_from)[1].rpartition("@")[2] or "localhost"
