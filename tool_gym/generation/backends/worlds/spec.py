"""What a tool is before it is text: plain data from which its document, its calls and its source are all written."""

from __future__ import annotations

from tool_gym.messages import Noun


class ToolSpec(Noun):
    """A tool of one family.

    Attributes:
        family: Name of its family, see `families`.
        kind: Type of the entities that it reads; empty for calculators.
        fields: What can be read, sorted by, or computed: keys of attributes and relations, or operations.
        filters: What a set can be narrowed by: keys of relations and enum attributes.
        archived: Whether it reads the outdated records.
        name: Name of the tool.
        summary: Its description.
        options: Optional parameters, by role.
        shapes: Parameters whose types were generalised, by role.
        words: Names of parameters and result keys by role, where they are not the role itself.
        terse: Whether errors say no more than needed.
    """

    family: str
    kind: str = ""
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    archived: bool = False
    name: str = "tool"
    summary: str = ""
    options: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    words: dict[str, str] = {}
    terse: bool = False

    def __hash__(self) -> int:
        return hash((self.function, self.name, self.fields, self.filters, self.options, self.shapes))

    @property
    def function(self) -> str:
        """What it computes: tools that share this become one."""
        return " ".join(filter(None, (self.family, self.kind, "archive" if self.archived else "")))

    def word(self, role: str) -> str:
        """The name of a parameter or result key."""
        return self.words.get(role, role)
