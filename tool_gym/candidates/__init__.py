"""A finite set of actions for each observation, so that any algorithm for discrete actions can play."""
