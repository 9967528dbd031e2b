"""The HTTP API and the web box."""
