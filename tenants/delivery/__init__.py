"""Delivery: addresses, consent, and every message that goes out or is held back, with its reason."""
