"""What a backend is: it answers what the stages ask. Its answers are proposals; the stages check them."""

from __future__ import annotations

from typing import Protocol

from tool_gym.generation.proposals import (
    Decomposed,
    Decomposition,
    Deployment,
    Documented,
    Documents,
    Integrated,
    Integration,
    Scaled,
    Scaling,
)
from tool_gym.generation.topic import Topic


class Backend(Protocol):
    """Proposes; one method for each stage.

    Each raises `Refused` where it has nothing to propose. The same request gives the same proposal.

    Attributes:
        name: Its name, with a version: it is kept in the provenance of what it made.
    """

    name: str

    def decompose(self, request: Topic) -> Decomposition:
        """A question of the wanted structure, with its steps and answers."""

    def document(self, request: Decomposed) -> Documents:
        """A tool document for each step."""

    def integrate(self, request: Documented) -> Integration:
        """Fewer tools, where some overlap."""

    def scale(self, request: Integrated) -> Scaling:
        """Harder tools and distractors, as far as the topic's strategies say."""

    def deploy(self, request: Scaled) -> Deployment:
        """A Python function for each tool."""
