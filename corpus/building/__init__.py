"""What builds the sample documents: sources read, and a builder for each format."""
