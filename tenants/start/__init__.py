"""The start page of the admin: tiles, charts and first steps that the two sides put there."""
