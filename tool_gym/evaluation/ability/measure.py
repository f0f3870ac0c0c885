"""A language model's general ability, offline: how well it foretells English text, and answers without tools.

Both are read off the model's log-probabilities, without sampling. A question's answer is the option whose tokens are
the likeliest per character after the question; a text's figure is how many bits the model needs for a character of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import torch

from tool_gym.evaluation.statistics import compare, intervals
from tool_gym.jsonvalue import Json
from tool_gym.models.local import LocalModel
from tool_gym.training.forward import score

_AT_ONCE = 8
"""Questions that are read together; more take memory and gain no time."""


class Measure(NamedTuple):
    """A model's figures on the items of a task.

    Attributes:
        task: What was asked.
        figure: What the figures are.
        items: The figure of each item, by its id.
        higher_is_better: Whether a higher figure is better.
    """

    task: str
    figure: str
    items: Mapping[Hashable, float]
    higher_is_better: bool = True


def measure(model: LocalModel) -> list[Measure]:
    """What comes with the package: English text (bits per character), arithmetic and common facts (share right)."""
    texts = {each["id"]: _bits_per_character(model, each["text"]) for each in _lines("passages")}
    measures = [Measure("English text", "bits per character", texts, higher_is_better=False)]
    questions = list(_lines("questions"))
    right = _right(model, questions)
    for task in dict.fromkeys(each["task"] for each in questions):
        items = {each["id"]: right[each["id"]] for each in questions if each["task"] == task}
        measures.append(Measure(task, "share right", items))
    return measures


def rows(after: Sequence[Measure], before: Sequence[Measure] | None = None) -> list[dict[str, Json]]:
    """A table's rows: a model's figures with their intervals, or how they differ from its base's.

    Args:
        after: The model's measures.
        before: The base's, of the same tasks; with them the intervals are those of the paired differences.
    """
    if before is None:
        return [_row(one) for one in after]
    return [_difference(one, two) for one, two in zip(before, after, strict=True)]


def _row(one: Measure) -> dict[str, Json]:
    values = np.array(list(one.items.values()))[:, None]
    [found] = intervals(values, list(one.items))
    about = {"task": one.task, "figure": one.figure, "items": len(one.items)}
    return {**about, "model": found.mean, "low": found.low, "high": found.high}


def _difference(before: Measure, after: Measure) -> dict[str, Json]:
    found = compare(before.items, after.items)
    better, worse = (found.better, found.worse) if after.higher_is_better else (found.worse, found.better)
    return {
        "task": after.task,
        "figure": after.figure,
        "items": found.scenarios,
        "base": float(np.mean(list(before.items.values()))),
        "model": float(np.mean(list(after.items.values()))),
        "difference": found.interval.mean,
        "low": found.interval.low,
        "high": found.interval.high,
        "better": better,
        "worse": worse,
        "p_value": found.p_value,
    }


@torch.inference_mode()
def _bits_per_character(model: LocalModel, text: str) -> float:
    """Bits for all tokens but the first, which nothing foretells, per character of the text."""
    ids = _ids(model, text)
    found = score(model.model, [ids[:1]], [0], [ids[1:]], temperature=1.0)
    return -float(found.logp.double().sum()) / math.log(2) / len(text)


@torch.inference_mode()
def _right(model: LocalModel, questions: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """1.0 for each question that the model answers right, else 0.0."""
    right = {}
    for start in range(0, len(questions), _AT_ONCE):
        some = questions[start : start + _AT_ONCE]
        prompts = [_ids(model, f"Question: {each['question']}\nAnswer:") for each in some]
        options = [(i, option) for i, each in enumerate(some) for option in each["options"]]
        answers = [_ids(model, f" {option}") for _, option in options]
        found = score(model.model, prompts, [i for i, _ in options], answers, temperature=1.0)
        lengths = torch.tensor([len(option) for _, option in options], device=found.logp.device)
        each_option = (found.logp.sum(-1) / lengths).tolist()
        for i, question in enumerate(some):
            own = [value for (owner, _), value in zip(options, each_option, strict=True) if owner == i]
            right[question["id"]] = float(int(np.argmax(own)) == question["answer"])
    return right


def _ids(model: LocalModel, text: str) -> list[int]:
    ids: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _lines(name: str) -> Iterator[dict[str, Any]]:
    """What a file of this folder holds."""
    text = (files("tool_gym.evaluation.ability") / f"{name}.jsonl").read_text(encoding="utf-8")
    return map(json.loads, text.splitlines())
