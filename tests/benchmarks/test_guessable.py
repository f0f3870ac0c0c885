"""The bag of words finds what can be found, and nothing where there is nothing to find."""

import guessable
import numpy as np
import pytest

from tool_gym.generation.generate import generate_pack
from tool_gym.packs.reader import load_pack


def cases(count, gives_away, rng):
    """Questions of one word, each with three tools of one word; the word names the right tool, or says nothing."""
    asked, tools = ("how", "who", "when"), ("length", "person", "date")
    made = []
    for _ in range(count):
        shown = rng.permutation(3)
        gold = int(rng.integers(3))
        word = asked[shown[gold]] if gives_away else asked[rng.integers(3)]
        pairs = [guessable._slots([word], [tools[i]]) for i in shown]
        made.append(guessable.Case(pairs, np.zeros(3), gold, "single_hop"))
    return made


@pytest.mark.parametrize(("gives_away", "least", "most"), [(True, 1.0, 1.0), (False, 0.2, 0.5)])
def test_it_guesses_what_words_give_away_and_only_that(gives_away, least, most):
    rng = np.random.default_rng(0)
    guesser = guessable.Guesser()
    guesser.train(cases(300, gives_away, rng), rng)
    assert least <= guesser.accuracy(cases(300, gives_away, rng)) <= most


def test_words_are_those_of_name_description_and_parameters_without_plurals():
    assert guessable.words("Find_ports: the Vessels' names") == {"find", "port", "the", "vessel", "name"}


def test_a_generated_pack_is_measured_on_its_test_split(tmp_path):
    generate_pack(tmp_path / "pack", count=20, seed=1, level=1)
    figures = guessable.measure(load_pack(tmp_path / "pack"))
    assert figures["trained_on"] + figures["tested_on"] == 20
    assert figures["tested_on"] > 0
    assert 0 < figures["chance"] < 1
    assert 0 <= figures["accuracy"] <= 1
