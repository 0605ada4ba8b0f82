"""What leaves the process, in logs and on a screen: no secret, and nothing that moves a cursor."""
