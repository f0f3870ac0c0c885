"""What the model fills at each stage, as JSON: lists instead of mappings, and none of the fields that are ours to fill.

Unknown keys are ignored, as everywhere at the border to models.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tool_gym.generation.proposals import Answer, Call, Change, Document, Refused, Step
from tool_gym.scenario import ToolName

F = TypeVar("F", bound="Form")
StepId = Annotated[str, Field(pattern=r"^q[1-9][0-9]*$")]


class Form(BaseModel):
    """A frozen record that ignores what it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AnswerForm(Answer, extra="ignore"):
    """See `Answer`."""


class StepForm(Step, extra="ignore"):
    """See `Step`."""

    answer: AnswerForm


class ChangeForm(Change, extra="ignore"):
    """See `Change`."""


class DecompositionForm(Form):
    """A question, its steps, and the answer of the whole."""

    question: Annotated[str, Field(min_length=1)]
    steps: Annotated[tuple[StepForm, ...], Field(min_length=1)]
    answer: AnswerForm


class ToolForm(Form):
    """A tool document; `function` says in few words what it computes."""

    name: ToolName
    description: str
    parameters: dict[str, Any]
    function: Annotated[str, Field(min_length=1)]

    def document(self) -> Document:
        """The document."""
        return Document(
            name=self.name, description=self.description, parameters=self.parameters, function=self.function
        )


class StepTool(ToolForm):
    """A tool document for a step, and the arguments with which the tool answers it."""

    step: StepId
    arguments: dict[str, Any]


class DocumentsForm(Form):
    """One tool for each step."""

    tools: tuple[StepTool, ...]


class MergedTool(ToolForm):
    """A tool, and the names of the documents that went into it."""

    merged: tuple[str, ...]


class CallForm(Form):
    """The call that answers a step."""

    step: StepId
    tool: ToolName
    arguments: dict[str, Any]

    def call(self) -> Call:
        """The call."""
        return Call(tool=self.tool, arguments=self.arguments)


class IntegrationForm(Form):
    """The tools that are left, and the call that answers each step now."""

    tools: Annotated[tuple[MergedTool, ...], Field(min_length=1)]
    calls: tuple[CallForm, ...]


class ScalingForm(Form):
    """All tools, which of them are distractors, the call that answers each step now, and what was changed."""

    tools: Annotated[tuple[ToolForm, ...], Field(min_length=1)]
    distractors: tuple[str, ...] = ()
    calls: tuple[CallForm, ...]
    changes: tuple[ChangeForm, ...] = ()


class SourceForm(Form):
    """The Python source of a tool."""

    name: ToolName
    source: str


class PathForm(Form):
    """Where the answer of a step stands in the result of its call, as a JSON Pointer."""

    step: StepId
    path: str


class ExampleForm(Form):
    """A further call that a tool answers, about something else than the steps ask."""

    tool: ToolName
    arguments: dict[str, Any]


class DeploymentForm(Form):
    """A source for every tool, the place of every answer, and further calls."""

    tools: tuple[SourceForm, ...]
    paths: tuple[PathForm, ...]
    examples: tuple[ExampleForm, ...]


def by_key(stage: str, rows: tuple[F, ...], key: str) -> dict[str, F]:
    """The rows by one of their fields.

    Raises:
        Refused: If two rows share it.
    """
    found = {getattr(row, key): row for row in rows}
    if len(found) < len(rows):
        raise Refused(stage, "a row that comes twice", f"each {key} may come once")
    return found
