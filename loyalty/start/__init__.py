"""What the member programme puts on the start page."""
