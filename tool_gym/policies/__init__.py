"""Policies: what decides an action, and how the raw text of a model becomes one."""
