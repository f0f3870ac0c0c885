"""The gate: what a pack must pass before people train on it."""
