"""Imports: files of any shape become facts, row by row, chunk by chunk."""
