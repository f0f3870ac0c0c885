"""Scenarios for agents that are not of this package: their tools served over the Model Context Protocol."""
