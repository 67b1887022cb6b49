"""Partners: the companies that sell for the brand, their people, and what they are told."""
