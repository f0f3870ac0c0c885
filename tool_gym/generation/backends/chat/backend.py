"""The backend: asks a model at each stage, shows it what was refused, and turns its forms into proposals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tool_gym.generation.backends.chat.forms import (
    CallForm,
    DecompositionForm,
    DeploymentForm,
    DocumentsForm,
    Form,
    IntegrationForm,
    ScalingForm,
    by_key,
)
from tool_gym.generation.backends.chat.probes import altered_probes, example_probes
from tool_gym.generation.backends.chat.prompts import prompt, prompts_digest
from tool_gym.generation.backends.chat.reading import read_form
from tool_gym.generation.decompose import filled
from tool_gym.generation.proposals import (
    Answer,
    Call,
    Decomposed,
    Decomposition,
    Deployment,
    Document,
    Documented,
    Documents,
    Integrated,
    Integration,
    Refused,
    Scaled,
    Scaling,
    Source,
    Step,
)
from tool_gym.generation.seeds import seed_of
from tool_gym.generation.topic import Topic
from tool_gym.jsonvalue import canonical
from tool_gym.models.chat import ChatModel, ChatRequest

F = TypeVar("F", bound=Form)
LEAST_EXAMPLES = 2
"""Further calls that each tool of a step must answer, each with another value."""
LEAST_PRECISION = 20
"""How many times its tolerance a number must be; values without a size have no tolerance."""


@dataclass(frozen=True)
class Sampling:
    """How the model is sampled.

    Attributes:
        temperature: See `ChatRequest`.
        max_tokens: Longest answer; the sources of ten tools are some 6,000 tokens.
    """

    temperature: float = 1.0
    max_tokens: int = 16384


class ChatBackend:
    """Scenarios from a model. A topic's source names the user's `question`, or the `subject` of one to be invented.

    It holds what was said at the stage in hand, so each scenario has one of its own.

    Args:
        model: The model.
        sampling: How it is sampled.
        earlier: Why an earlier attempt at the same scenario came to nothing, for the model; empty at first.
    """

    name = "chat 1"

    def __init__(self, model: ChatModel, sampling: Sampling, earlier: str = "") -> None:
        self._model, self._sampling, self._earlier = model, sampling, earlier
        self._stage, self._tries, self._answer = "", 0, ""
        self._corrections: list[dict[str, Any]] = []

    def complain(self, refusal: Refused) -> None:
        """Remembers why the last proposal was refused; the stage that is asked again shows it to the model."""
        text = prompt("complaint", reason=refusal.reason, detail=refusal.detail[:2000])
        self._corrections = [
            {"role": "assistant", "content": self._answer or "(nothing)"},
            {"role": "user", "content": text},
        ]

    def decompose(self, request: Topic) -> Decomposition:
        """A question, given or invented, and its steps."""
        source = request.source
        form = self._ask(
            "decompose",
            request,
            DecompositionForm,
            question=source.get("question"),
            subject=source.get("subject"),
            earlier=self._earlier,
            **request.model_dump(include={"index", "structure", "level", "hops", "branches"}),
        )
        if "question" in source and form.question.split() != source["question"].split():
            raise Refused("decompose", "another question", "take the user's question word for word")
        _check_answers(form.steps, form.answer)
        _check_size(request, form.steps)
        detail = {"model": self._model.name, "prompts": prompts_digest()}
        return Decomposition(
            question=source.get("question", form.question),
            steps=form.steps,
            answer=form.answer,
            truth="claimed",
            detail=detail,
        )

    def document(self, request: Decomposed) -> Documents:
        """A tool for each step."""
        form = self._ask("document", request.topic, DocumentsForm, **_question(request))
        by_key("document", form.tools, "name")
        tools = by_key("document", form.tools, "step")
        return Documents(
            documents={step: tool.document() for step, tool in tools.items()},
            calls={step: Call(tool=tool.name, arguments=tool.arguments) for step, tool in tools.items()},
        )

    def integrate(self, request: Documented) -> Integration:
        """One tool for each function; documents that overlap with none need no model."""
        documents = request.documents.documents
        if len({each.function for each in documents.values()}) == len(documents):
            tools = tuple(documents.values())
            return Integration(
                tools=tools, calls=request.documents.calls, merged={tool.name: (tool.name,) for tool in tools}
            )
        shown = {step: _shown(document) for step, document in documents.items()}
        fields = _question(request, request.documents.calls, shown)
        form = self._ask("integrate", request.topic, IntegrationForm, **fields)
        return Integration(
            tools=tuple(tool.document() for tool in form.tools),
            calls=_calls("integrate", form.calls),
            merged={tool.name: tool.merged for tool in form.tools},
        )

    def scale(self, request: Integrated) -> Scaling:
        """Harder tools and distractors; nothing where all strategies are off."""
        integration, levels = request.integration, request.topic.strategies
        if not any(levels.model_dump().values()):
            return Scaling(tools=integration.tools, calls=integration.calls)
        fields = _question(request, integration.calls)
        tools = [_shown(tool) for tool in integration.tools]
        form = self._ask("scale", request.topic, ScalingForm, tools=tools, levels=levels.model_dump(), **fields)
        return Scaling(
            tools=tuple(tool.document() for tool in form.tools),
            calls=_calls("scale", form.calls),
            distractors=form.distractors,
            changes=form.changes,
        )

    def deploy(self, request: Scaled) -> Deployment:
        """A source for every tool; what must not answer is found by changing the gold calls."""
        scaling = request.scaling
        fields = _question(request, scaling.calls)
        tools = [_shown(tool) for tool in scaling.tools]
        form = self._ask("deploy", request.topic, DeploymentForm, tools=tools, examples=LEAST_EXAMPLES, **fields)
        examples = [Call(tool=each.tool, arguments=each.arguments) for each in form.examples]
        return Deployment(
            sources={tool.name: Source(text=tool.source) for tool in by_key("deploy", form.tools, "name").values()},
            paths={step: row.path for step, row in by_key("deploy", form.paths, "step").items()},
            probes=(*altered_probes(request), *example_probes(request, examples, LEAST_EXAMPLES)),
        )

    def _ask(self, stage: str, topic: Topic, form: type[F], **fields: Any) -> F:
        """Asks for a stage's form; after a complaint, with the last answer and what was wrong with it."""
        if stage != self._stage:
            self._stage, self._tries, self._corrections = stage, 0, []
        self._tries += 1
        messages = (
            {"role": "system", "content": prompt("system")},
            {"role": "user", "content": prompt(stage, **fields)},
            *self._corrections,
        )
        completion = self._model.complete(
            ChatRequest(
                messages=messages,
                answer_schema=form.model_json_schema(),
                temperature=self._sampling.temperature,
                max_tokens=self._sampling.max_tokens,
                seed=seed_of(topic.seed, stage, topic.index, topic.attempt, self._tries) % 2**31,
            )
        )
        self._answer = completion.text
        return read_form(stage, completion, form)


def _check_size(topic: Topic, steps: Sequence[Step]) -> None:
    """There are as many hops and branches as were ordered, or more."""
    hops: dict[str, int] = {}
    for step in steps:
        hops[step.id] = 1 + max((hops.get(need, 0) for need in step.depends_on), default=0)
    if "multi_hop" in str(topic.structure) and max(hops.values()) < (topic.hops or 0):
        raise Refused("decompose", "too few hops", f"the longest chain has {max(hops.values())}, expected {topic.hops}")
    branches = sum(not step.depends_on for step in steps)
    if "parallel" in str(topic.structure) and branches < (topic.branches or 0):
        raise Refused("decompose", "too few branches", f"{branches} steps stand alone, expected {topic.branches}")


def _check_answers(steps: Sequence[Step], answer: Answer) -> None:
    """Tolerances are small, no answer is empty, and the whole answer consists of steps' answers."""
    for each in (*(step.answer for step in steps), answer):
        if each.value in ("", [], {}):
            raise Refused("decompose", "an empty answer")
        number = each.value if isinstance(each.value, (int, float)) else 0
        if each.tolerance and each.tolerance * LEAST_PRECISION > abs(number):
            raise Refused("decompose", "a wide tolerance", f"{each.tolerance} for {each.value!r}; at most 5 %")
    known = {canonical(step.answer.value) for step in steps}
    if canonical(answer.value) not in known:
        parts = answer.value if isinstance(answer.value, list) else [answer.value]
        missing = [part for part in parts if canonical(part) not in known]
        if missing:
            raise Refused("decompose", "an answer that no step gives", f"{missing[0]!r}; make a step of it")


def _question(
    value: Decomposed, calls: dict[str, Call] | None = None, tools: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The question and its steps, as the prompts show them; `tools` are shown beside the steps, or only named."""
    steps = []
    for step in value.decomposition.steps:
        row = {**step.model_dump(), "filled": filled(step, value.decomposition.steps)}
        if calls is not None:
            call = calls[step.id]
            row |= {"tool": tools[step.id] if tools else call.tool, "arguments": call.arguments}
        steps.append(row)
    return {"question": value.decomposition.question, "steps": steps}


def _shown(document: Document) -> dict[str, Any]:
    return document.model_dump(include={"name", "description", "parameters", "function"})


def _calls(stage: str, rows: Iterable[CallForm]) -> dict[str, Call]:
    return {step: row.call() for step, row in by_key(stage, tuple(rows), "step").items()}
