"""Orders for the backend `chat`: the user's own questions, or subjects about which the model invents some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.errors import InputError, UnknownName
from tool_gym.generation.backends.chat.backend import Sampling
from tool_gym.generation.backends.chat.prompts import subjects
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Topic
from tool_gym.jsonvalue import NotJson, loads
from tool_gym.models.chat import ChatModel
from tool_gym.scenario import STRUCTURES, Structure

_TEST_EVERY = 5
"""Every fifth question or subject belongs to the split `test`."""
_MAX_QUESTION_CHARS = 4000


@dataclass(frozen=True)
class ChatSettings:
    """Who proposes, and how.

    Attributes:
        model: The model; give one that is `Journaled`, and nothing is paid twice.
        questions: The user's own questions; with none the model invents them.
        concurrency: Scenarios in work at a time, >= 1.
        sampling: How the model is sampled.
    """

    model: ChatModel
    questions: tuple[str, ...] = ()
    concurrency: int = 4
    sampling: Sampling = field(default_factory=Sampling)


class Order(NamedTuple):
    """A topic and the id of its scenario."""

    topic: Topic
    scenario_id: str


def read_questions(path: str | Path) -> tuple[str, ...]:
    """The questions of a file, each once: lines of text, or for `.jsonl` rows with a `question`.

    Raises:
        InputError: If the file cannot be read, or a line holds no question.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a text file with one question a line") from None
    rows = str(path).endswith(".jsonl")
    found: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        question = _row_question(line) if rows else line.strip()
        if not question or len(question) > _MAX_QUESTION_CHARS:
            expected = 'a row {"question": "…"}' if rows else "text"
            raise InputError(f"{path}, line {number}: expected {expected}, of at most {_MAX_QUESTION_CHARS} characters")
        found[question] = None
    if not found:
        raise InputError(f"{path}: holds no question; write one a line")
    return tuple(found)


def _row_question(line: str) -> str:
    try:
        row = loads(line)
    except NotJson:
        return ""
    question = row.get("question") if isinstance(row, dict) else None
    return question.strip() if isinstance(question, str) else ""


def plan_orders(
    settings: ChatSettings,
    count: int,
    seed: int,
    structures: Sequence[Structure],
    domains: Sequence[str] | None,
    fields: dict[str, Any],
) -> list[Order]:
    """One order for each scenario: the user's questions, or subjects in turn with the structures in turn.

    Raises:
        InputError: If an argument is out of its range.
    """
    if count < 1:
        raise InputError(f"count={count}; expected at least 1")
    unknown = [each for each in structures if each not in STRUCTURES]
    if unknown or not structures:
        raise UnknownName("structure", unknown[0] if unknown else "", STRUCTURES)
    orders = []
    for index, (structure, source, place) in enumerate(_wanted(settings.questions, count, seed, structures, domains)):
        split = "test" if place % _TEST_EVERY == _TEST_EVERY - 1 else "train"
        try:
            topic = Topic(seed=seed, index=index, split=split, structure=structure, source=source, **fields)
        except ValueError as error:
            raise InputError(f"this cannot be ordered: {error}") from None
        orders.append(Order(topic, f"chat-{index:05d}"))
    return orders


def _wanted(
    questions: Sequence[str], count: int, seed: int, structures: Sequence[Structure], domains: Sequence[str] | None
) -> Iterator[tuple[Structure | None, dict[str, Any], int]]:
    """For each order the structure, the source, and the source's place, on which the split depends."""
    if questions:
        for place, question in enumerate(questions[:count]):
            yield None, {"question": question}, place
        return
    known = list(domains or subjects())
    shuffled = rng_of(seed, "subjects").sample(known, len(known))
    for index in range(count):
        place = index // len(structures) % len(known)
        yield structures[index % len(structures)], {"subject": shuffled[place]}, place
