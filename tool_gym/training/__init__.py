"""Feedback-driven training: from the trajectories of a model to a model that uses tools better."""
