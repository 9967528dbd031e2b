"""Measurements of single parts, each a module that prints a table."""
