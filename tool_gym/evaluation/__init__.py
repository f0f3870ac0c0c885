"""Evaluation: runs of a policy over a pack, what they came to, and how far that can be trusted."""
