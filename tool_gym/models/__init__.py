"""Models that chat: one protocol, an endpoint behind it, and what keeps its cost bounded."""
