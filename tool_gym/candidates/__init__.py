"""A finite set of actions for each observation, so that any algorithm for discrete actions can play."""

from tool_gym.candidates.actions import CandidateActions

__all__ = ["CandidateActions"]
