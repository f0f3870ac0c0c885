"""Maximum matching."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.pairing import pair

OPTIONS = st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=6)


def best_size(options):
    """The size of a maximum matching by trying everything."""
    best = 0
    for choice in itertools.product(*[[None, *places] for places in options]):
        taken = [place for place in choice if place is not None]
        if len(taken) == len(set(taken)):
            best = max(best, len(taken))
    return best


@given(OPTIONS)
def test_as_many_as_possible_are_paired_and_no_place_twice(options):
    paired = pair(options)
    taken = [place for place in paired if place is not None]
    assert all(place is None or place in places for place, places in zip(paired, options, strict=True))
    assert len(taken) == len(set(taken)) == best_size(options)


@given(OPTIONS, st.permutations(range(6)))
def test_renumbering_the_places_does_not_change_who_is_paired(options, names):
    renamed = [sorted(names[place] for place in places) for places in options]
    assert [place is None for place in pair(options)] == [place is None for place in pair(renamed)]


def test_a_long_chain_of_moves_does_not_exhaust_the_stack():
    size = 3000
    options = [[i, i + 1] for i in range(size - 1)] + [[0]]
    assert None not in pair(options)
