"""What the sandbox's Graph API answers: accounts, objects, edges, tokens, report runs, limits."""
