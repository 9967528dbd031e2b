"""The web box: pages for people, made on the server, that work with and without JavaScript."""
