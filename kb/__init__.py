"""The knowledge base: domain, indexes, retrieval and cited answers."""
