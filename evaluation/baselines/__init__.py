"""What one would use instead, run on the same sets by the same scorer."""
