"""The nouns that travel between stages. All are plain data with a JSON Schema: a model can fill them too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tool_gym.errors import ToolGymError
from tool_gym.generation.topic import Topic
from tool_gym.messages import Noun
from tool_gym.scenario import Expected, Kind, ToolName, Truth

Strategy = Literal[
    "functional_generalisation", "parameter_expansion", "type_generalisation", "toolset_extension"
]  # fmt: skip


class Refused(ToolGymError):
    """A stage does not accept a proposal. The scenario is given up or tried again; nobody did wrong.

    Attributes:
        stage: Name of the stage.
        reason: A few fixed words, for counting.
        detail: What exactly, for whoever proposed.
    """

    def __init__(self, stage: str, reason: str, detail: str = "") -> None:
        self.stage, self.reason, self.detail = stage, reason, detail
        super().__init__(f"{stage}: {reason}" + (f" ({detail})" if detail else ""))

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str, str]]:
        return type(self), (self.stage, self.reason, self.detail)


class Answer(Noun):
    """A value that answers a question; see `Expected` for the fields."""

    value: Any
    kind: Kind
    unit: str | None = None
    tolerance: Annotated[float, Field(ge=0)] | None = None

    def expected(self, path: str | None = None) -> Expected:
        """The answer as a scenario expects it at a JSON Pointer into a result."""
        return Expected(value=self.value, kind=self.kind, unit=self.unit, tolerance=self.tolerance, path=path)


class Step(Noun):
    """A sub-question.

    Attributes:
        id: `q1`, `q2`, … in an order in which they can be answered.
        question: In words; `{q1}` stands for the answer of that step, and every dependency is named so.
        answer: Its answer.
        depends_on: Steps whose answers it needs.
    """

    id: Annotated[str, Field(pattern=r"^q[1-9][0-9]*$")]
    question: str
    answer: Answer
    depends_on: tuple[str, ...] = ()


class Decomposition(Noun):
    """A question and the steps that answer it.

    Attributes:
        question: What the user asks.
        steps: The steps, dependencies first.
        answer: The answer of the whole question.
        truth: How far the facts can be trusted.
        detail: JSON data of the backend's own; it is kept in the scenario's provenance.
    """

    question: str
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    answer: Answer
    truth: Truth
    detail: dict[str, Any] = {}


class Document(Noun):
    """What a model reads about a tool.

    Attributes:
        name: Name of the tool.
        description: What it does.
        parameters: JSON Schema of an object.
        function: What it computes, in few words; tools that compute the same share it and become one.
        detail: JSON data of the backend's own.
    """

    name: ToolName
    description: str
    parameters: dict[str, Any]
    function: str
    detail: dict[str, Any] = {}


class Call(Noun):
    """The call that answers a step."""

    tool: ToolName
    arguments: dict[str, Any]


class Documents(Noun):
    """One document for each step, and the call of it that answers the step.

    Attributes:
        documents: By step id.
        calls: By step id.
    """

    documents: dict[str, Document]
    calls: dict[str, Call]


class Integration(Noun):
    """The documents after overlapping ones were merged.

    Attributes:
        tools: The tools that are left.
        calls: By step id.
        merged: For each tool the names of the documents that went into it, one or more.
    """

    tools: Annotated[tuple[Document, ...], Field(min_length=1)]
    calls: dict[str, Call]
    merged: dict[str, tuple[str, ...]]


class Change(Noun):
    """What a strategy did to a tool, in words."""

    strategy: Strategy
    tool: str
    what: str


class Scaling(Noun):
    """The toolset after complexity scaling.

    Attributes:
        tools: All tools, distractors among them, in the order in which they are shown.
        calls: By step id.
        distractors: Names of the tools that answer no step.
        changes: What was done.
    """

    tools: Annotated[tuple[Document, ...], Field(min_length=1)]
    calls: dict[str, Call]
    distractors: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


class Source(Noun):
    """The Python function of a tool, in the tool dialect, and the names of the tables that it reads as `DATA[name]`."""

    text: str
    tables: tuple[ToolName, ...] = ()


class Probe(Noun):
    """A call that must not answer a step.

    Attributes:
        call: The call.
        step: Id of the step. Of its own tool the result must not hold its answer at its place; of another, nowhere.
        why: What it would mean if it did, in few words.
        succeeds: Whether the call must come back well, as one about another thing that the tool knows.
    """

    call: Call
    step: str
    why: str
    succeeds: bool = False


class Deployment(Noun):
    """Functions for a toolset.

    Attributes:
        sources: By tool name.
        tables: Rows by table name.
        paths: By step id, the JSON Pointer at which the answer stands in the call's result.
        probes: Calls that must not answer a step; at least one for each tool of a step that depends on another.
    """

    sources: dict[str, Source]
    tables: dict[str, Any] = {}
    paths: dict[str, str]
    probes: tuple[Probe, ...] = ()


class Decomposed(Noun):
    """After the first stage."""

    topic: Topic
    decomposition: Decomposition


class Documented(Decomposed):
    """After the second stage."""

    documents: Documents


class Integrated(Documented):
    """After the third stage."""

    integration: Integration


class Scaled(Integrated):
    """After the fourth stage."""

    scaling: Scaling
