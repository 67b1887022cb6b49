"""Messages that the member programme sends by itself: what triggers them and what they say."""
