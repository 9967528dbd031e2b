"""Readers: a file per format, from bytes to text with its structure."""
