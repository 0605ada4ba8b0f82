"""The sandbox as a server: sockets, spoilt answers, and its own control address."""
