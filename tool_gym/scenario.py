"""The nouns of a scenario: a question, its tools, and what makes its reward verifiable.

They are what a pack holds on disk, so they are frozen and refuse unknown keys; a scenario checks that its parts fit
together, whoever made it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from tool_gym.frozen import FrozenDict, freeze
from tool_gym.jsonvalue import digest
from tool_gym.messages import Noun
from tool_gym.names import SLUG

Kind: TypeAlias = Literal["text", "number", "date", "bool", "enum", "list", "object"]
Structure: TypeAlias = Literal["single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop"]
STRUCTURES: tuple[Structure, ...] = ("single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop")
Truth: TypeAlias = Literal["invented", "extracted", "claimed"]

Slug = Annotated[str, StringConstraints(pattern=rf"^{SLUG}$", max_length=100)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_KIND_TYPES: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "date": (str,),
    "bool": (bool,),
    "enum": (str, int),
    "list": (list, tuple),
    "object": (dict,),
}
_POINTER = re.compile(r"(/([^~/]|~[01])*)*\Z")


class Expected(Noun):
    """A value that counts as right, and where it must stand.

    Attributes:
        value: The value, JSON data.
        kind: How it is compared.
        path: JSON Pointer (RFC 6901) into a tool's result; "" is the whole result. None searches the whole result for
            it as a token, which is for imported data only.
        tolerance: Largest absolute difference that still counts for a number; None: equal up to rounding of floats.
        unit: Unit of a number, as a reader would write it, or None.
        alternatives: Other values that count as well.
        echo_ok: True where the reference call's own arguments hold the value, so that holding it proves nothing.
    """

    value: Any
    kind: Kind
    path: str | None = None
    tolerance: Annotated[float, Field(ge=0)] | None = None
    unit: str | None = None
    alternatives: tuple[Any, ...] = ()
    echo_ok: bool = False

    @model_validator(mode="after")
    def _check(self) -> Expected:
        if self.path and not _POINTER.match(self.path):
            raise ValueError(f"path {self.path!r} is not a JSON Pointer; expected '' or '/key/0/key'")
        types = _KIND_TYPES[self.kind]
        for value in (self.value, *self.alternatives):
            if not isinstance(value, types) or (type(value) is bool and self.kind != "bool"):
                raise ValueError(f"{value!r} is not of kind {self.kind!r}")
        return self


UNANSWERABLE = Expected(
    value="unanswerable", kind="enum", alternatives=("not answerable", "cannot be answered", "it cannot be answered")
)
"""The answer of a scenario that no tool can answer: the reply, or what stands in its tag, is one of these, no more."""


class TableRef(Noun):
    """A table that a tool reads, bound read-only as `DATA[name]` when it runs; `sha256` is its content's digest."""

    name: ToolName
    sha256: Sha256


class Tool(Noun):
    """A tool: what a model reads about it, and the source that answers.

    Attributes:
        name: Name of the tool, and of the function that `source` defines.
        description: What it does, for the model.
        parameters: JSON Schema of an object.
        source: Python text in the tool dialect. It is compiled in the sandbox only.
        data: Tables that the source reads, shared between tools by content.
    """

    name: ToolName
    description: str
    parameters: dict[str, Any]
    source: str
    data: tuple[TableRef, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the tool's content."""
        return digest(self.model_dump())

    @functools.cached_property
    def chat_form(self) -> FrozenDict:
        """The tool as chat templates and OpenAI's protocol take it, deep-frozen."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return freeze({"type": "function", "function": function})  # type: ignore[no-any-return]


class SubQuestion(Noun):
    """One step of a scenario, solved by a call that returns its answer.

    Attributes:
        id: Name of the step within the scenario.
        question: The step in words; gold, never shown to the agent.
        tools: Names of the tools whose result may solve it, at least one.
        arguments: The reference call's arguments for `tools[0]`; None in imported data that has none.
        expected: The answer.
        depends_on: Ids of the steps whose answers the call needs.
    """

    id: str
    question: str
    tools: Annotated[tuple[ToolName, ...], Field(min_length=1)]
    arguments: dict[str, Any] | None = None
    expected: Expected
    depends_on: tuple[str, ...] = ()


class StateCheck(Noun):
    """A check of the episode's final state: the value at `path` (a JSON Pointer) must be the expected one."""

    id: str
    question: str
    path: str
    expected: Expected


class UserTurn(Noun):
    """One thing that the user says.

    Attributes:
        content: What it is.
        add_tools: Names of the tools that become available with it.
        checks: Ids of the checks that are due when the reply closes the turn: a step is solved by then or never, and a
            state check looks at the state then. Those that no turn names are due at the end.
    """

    content: str
    add_tools: tuple[ToolName, ...] = ()
    checks: tuple[str, ...] = ()


class Provenance(Noun):
    """Where a scenario comes from and how far its truth can be trusted.

    Attributes:
        truth: `invented` (true in a made-up world), `extracted` (from a named, dated source), `claimed` (by a model or
            an importer's source, unchecked).
        source: Who or what made it, with version or date.
        structure: The structure that the source states, where the dependencies between steps are not known.
        detail: Anything more, JSON data: seeds, domains, levels, original ids.
    """

    truth: Truth
    source: str
    structure: Structure | None = None
    detail: dict[str, Any] = {}


class Scenario(Noun):
    """A question, its tools, and the checks that make its reward verifiable.

    Attributes:
        id: Unique within its pack; becomes part of an environment id.
        system: What the agent is told before the user speaks, such as a policy to keep to; None: nothing.
        turns: What the user says; a reply of the agent closes a turn and brings the next.
        answer: What the last reply must say; None where only the checks count. With `UNANSWERABLE` a scenario may have
            no other check, and that reply is its one.
        tools: All tools, in the order in which they are shown. Those named in a later turn's `add_tools` come with it.
        sub_questions: Steps, each solved by one call.
        state_checks: Checks of the final state, beside the steps.
        initial_state: JSON state that the tools may change; None for tools without state.
        split: `train`, `test`, or another name that the pack uses.
        provenance: Where it comes from.
    """

    id: Slug
    system: str | None = None
    turns: Annotated[tuple[UserTurn, ...], Field(min_length=1)]
    answer: Expected | None
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)]
    sub_questions: tuple[SubQuestion, ...] = ()
    state_checks: tuple[StateCheck, ...] = ()
    initial_state: Any = None
    split: str = "train"
    provenance: Provenance

    @model_validator(mode="after")
    def _check(self) -> Scenario:
        names = _unique("tool", [tool.name for tool in self.tools])
        steps = [step.id for step in self.sub_questions]
        checks = _unique("check", [*steps, *[check.id for check in self.state_checks]])
        _unique("due check", [name for turn in self.turns for name in turn.checks])
        if not checks and self.answer != UNANSWERABLE:
            raise ValueError("a scenario needs at least one sub-question or state check")
        for turn in self.turns:
            if not names.issuperset(turn.add_tools):
                raise _unknown("add_tools", turn.add_tools, names)
            if not checks.issuperset(turn.checks):
                raise _unknown("checks", turn.checks, checks)
        for step in self.sub_questions:
            if not names.issuperset(step.tools):
                raise _unknown(f"sub-question {step.id!r}: tools", step.tools, names)
            for need in step.depends_on:
                if need not in steps:
                    raise _unknown(f"sub-question {step.id!r}: depends_on", [need], steps)
        depths(self.sub_questions)
        return self

    @property
    def question(self) -> str:
        """What the user says first."""
        return self.turns[0].content

    @property
    def total(self) -> int:
        """Checks that can be solved, >= 1."""
        return len(self.sub_questions) + len(self.state_checks) or 1

    @property
    def due(self) -> tuple[tuple[str, ...], ...]:
        """Ids of the checks that are due with each user turn; empty where all are due at the end."""
        due = tuple([turn.checks for turn in self.turns])
        return due if any(due) else ()

    @functools.cached_property
    def structure(self) -> Structure:
        """How the steps hang together: stated by the source, else derived from `depends_on`.

        One step is `single_hop`; steps without any dependency `parallel_single_hop`; steps of which each needs the one
        before `multi_hop`; the rest `parallel_multi_hop`.
        """
        if self.provenance.structure:
            return self.provenance.structure
        if self.total == 1:
            return "single_hop"
        if not any(step.depends_on for step in self.sub_questions):
            return "parallel_single_hop"
        longest = max(depths(self.sub_questions).values()) + 1
        return "multi_hop" if longest == len(self.sub_questions) else "parallel_multi_hop"

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the scenario's content, tools included; a system message that is not there leaves no trace."""
        return digest(self.model_dump(exclude={"system"} if self.system is None else None))


def depths(steps: Sequence[SubQuestion]) -> dict[str, int]:
    """For each step, the length of its longest chain of dependencies, from 0.

    Raises:
        ValueError: If the dependencies form a circle.
    """
    found: dict[str, int] = {}
    waiting = list(steps)
    while waiting:
        later = []
        for step in waiting:
            needs = step.depends_on
            if not needs or all(map(found.__contains__, needs)):
                found[step.id] = max([found[need] + 1 for need in needs]) if needs else 0
            else:
                later.append(step)
        if len(later) == len(waiting):
            raise ValueError(f"depends_on forms a circle among {', '.join(repr(step.id) for step in waiting)}")
        waiting = later
    return found


def _unique(what: str, names: Sequence[str]) -> set[str]:
    found = set(names)
    if len(found) < len(names):
        twice = sorted(name for name in found if names.count(name) > 1)
        raise ValueError(f"two of them share a {what} name: {', '.join(map(repr, twice))}")
    return found


def _unknown(place: str, names: Iterable[str], known: Container[str]) -> ValueError:
    missing = next(name for name in names if name not in known)
    return ValueError(f"{place} names {missing!r}, which the scenario does not have")
