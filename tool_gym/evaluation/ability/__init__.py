"""General ability, apart from tools: what training to use them must not cost."""
