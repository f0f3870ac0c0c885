"""Verification: is an answer in a result, what has an episode solved, and what does that earn."""
