"""`meta-partner invite`: what to send a client, and waiting for the client to share."""
