"""Short programs that the README points to, each run by a test."""
