"""What developers run: set-up, checks, locks, translations. Nothing of the product imports it."""
