"""The catalogue: products and categories, shared by the member side and the channel side."""
