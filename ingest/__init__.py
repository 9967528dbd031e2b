"""Documents in: sources, readers, cleaning, passages and the pipeline."""
