"""What the channel programme puts on the start page."""
