"""How often a bag of words names the tool that a question needs first, on phrasings that it was not trained on.

    python benchmarks/guessable.py --json benchmarks/results/guessable.json
    python benchmarks/guessable.py PACK

For each scenario of the split `test` the tool of its first sub-question is guessed among the scenario's tools, by a
conditional logistic regression trained on the split `train`. Its features are pairs of a word of the question and a
word of a tool's document (name, description, parameters), each with a learned weight, and how many words the two share,
each weighted by how rare it is. A model that only learns which words go with which documents scores no more than this.
Chance is the mean of one over the number of tools.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from tool_gym.generation.generate import generate_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.scenario import Scenario, Tool

_SLOTS = 1 << 18
"""Slots that pairs of words are hashed into."""
_EPOCHS, _RATE, _DECAY = 12, 0.3, 1e-4
_WORD = re.compile(r"[a-z]+")


class Case(NamedTuple):
    """A question as the classifier sees it.

    Attributes:
        pairs: For each tool the slots of its pairs with words of the question.
        shared: For each tool the weighted number of words that it shares with the question.
        gold: Place of the right tool.
        structure: Structure of the scenario.
    """

    pairs: list[np.ndarray[Any, np.dtype[np.int64]]]
    shared: np.ndarray[Any, np.dtype[np.float64]]
    gold: int
    structure: str


def words(text: str) -> set[str]:
    """The words of a text in small letters, without the endings of plurals."""
    return {word.removesuffix("s") for word in _WORD.findall(text.lower())}


def document(tool: Tool) -> set[str]:
    """The words of a tool's document."""
    return words(f"{tool.name} {tool.description} {json.dumps(tool.parameters)}")


def cases(scenarios: Sequence[Scenario], rarity: dict[str, float]) -> list[Case]:
    """The scenarios as cases; words that `rarity` does not know were never seen in training, and are left out."""
    made = []
    for scenario in scenarios:
        asked = sorted(words(scenario.question) & rarity.keys())
        documents = [document(tool) for tool in scenario.tools]
        shared = [sum(rarity[word] for word in asked if word in known) for known in documents]
        pairs = [_slots(asked, sorted(known & rarity.keys())) for known in documents]
        names = [tool.name for tool in scenario.tools]
        gold = names.index(scenario.sub_questions[0].tools[0])
        made.append(Case(pairs, np.array(shared), gold, scenario.structure))
    return made


def _slots(asked: Sequence[str], known: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    left = np.array([hash_of(word) for word in asked], dtype=np.uint64)
    right = np.array([hash_of(word) for word in known], dtype=np.uint64)
    mixed = (left[:, None] * np.uint64(0x9E3779B97F4A7C15) + right[None, :]) * np.uint64(0xC2B2AE3D27D4EB4F)
    return (mixed >> np.uint64(40)).ravel().astype(np.int64) % _SLOTS


def hash_of(word: str) -> int:
    """A number in [0, 2**32) that is the same in every process."""
    value = 2166136261
    for byte in word.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


class Guesser:
    """A conditional logistic regression over the tools of a scenario."""

    def __init__(self) -> None:
        self._weights = np.zeros(_SLOTS)
        self._overlap = 0.0

    def scores(self, case: Case) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A score for each tool; the mean over its pairs, so that long documents have no advantage."""
        learned = np.array([self._weights[slots].sum() / np.sqrt(max(len(slots), 1)) for slots in case.pairs])
        return learned + self._overlap * case.shared

    def train(self, training: Sequence[Case], rng: np.random.Generator) -> None:
        """Stochastic gradient ascent on the likelihood of the right tools."""
        for epoch in range(_EPOCHS):
            rate = _RATE / (1 + epoch)
            for place in rng.permutation(len(training)):
                case = training[place]
                scores = self.scores(case)
                chance = np.exp(scores - scores.max())
                chance /= chance.sum()
                pull = -chance
                pull[case.gold] += 1
                self._weights *= 1 - rate * _DECAY
                self._overlap += 0.01 * rate * float(pull @ case.shared)
                for slots, force in zip(case.pairs, pull, strict=True):
                    np.add.at(self._weights, slots, rate * force / np.sqrt(max(len(slots), 1)))

    def accuracy(self, tested: Sequence[Case]) -> float:
        """Share of cases whose right tool has the highest score."""
        return float(np.mean([self.scores(case).argmax() == case.gold for case in tested]))


def measure(pack: Pack, seed: int = 0) -> dict[str, Any]:
    """Trains on a pack's split `train` and guesses on its split `test`."""
    scenarios = [pack[name] for name in pack]
    training = [each for each in scenarios if each.split == "train"]
    testing = [each for each in scenarios if each.split == "test"]
    seen = Counter(word for each in training for word in words(each.question))
    for each in training:
        seen.update(set().union(*map(document, each.tools)))
    rarity = {word: float(np.log(2 * len(training) / count)) for word, count in seen.items() if count > 2}
    guesser = Guesser()
    fitted, tested = cases(training, rarity), cases(testing, rarity)
    guesser.train(fitted, np.random.default_rng(seed))
    by_structure = {
        structure: guesser.accuracy([case for case in tested if case.structure == structure])
        for structure in sorted({case.structure for case in tested})
    }
    return {
        "trained_on": len(training),
        "tested_on": len(testing),
        "accuracy": guesser.accuracy(tested),
        "accuracy_by_structure": by_structure,
        "accuracy_in_training": guesser.accuracy(fitted),
        "most_shared_words": float(np.mean([case.shared.argmax() == case.gold for case in tested])),
        "chance": float(np.mean([1 / len(each.tools) for each in testing])),
    }


def main(
    pack: Annotated[Path | None, typer.Argument(help="A generated pack; without one, one is made.")] = None,
    count: Annotated[int, typer.Option(help="Scenarios of the pack that is made.")] = 1000,
    seed: Annotated[int, typer.Option(help="Its seed.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Prints the figures, and keeps them if asked to."""
    with tempfile.TemporaryDirectory() as folder:
        if pack is None:
            pack = Path(folder) / "guessable"
            generate_pack(pack, count=count, seed=seed)
        figures = measure(load_pack(pack))
    text = json.dumps(figures, indent=2)
    typer.echo(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
