"""Gymnasium environments in which language models learn to use tools."""
