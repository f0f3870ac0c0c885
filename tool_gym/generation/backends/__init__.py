"""Backends: who proposes what the stages check."""
