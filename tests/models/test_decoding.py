"""Writing in batches: rows that have ended leave, and nobody can tell."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_model import save_tiny_model  # noqa: E402

from tool_gym.models import decoding  # noqa: E402
from tool_gym.models.decoding import Row, Sampling, read, write  # noqa: E402
from tool_gym.models.local import LocalModel  # noqa: E402

MANY = 24
SAMPLING = Sampling(temperature=1.0, max_tokens=MANY)
PROMPTS = [
    list(b"One"),
    list(b"A second, longer prompt"),
    list(b"3"),
    list(b"fourth " * 9),
    list(b"V"),
    list(b"six six"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return LocalModel(save_tiny_model(tmp_path_factory.mktemp("models") / "tiny"), device="cpu").model


def rows():
    return [Row(ids, None, 0, np.random.default_rng(i)) for i, ids in enumerate(PROMPTS)]


@pytest.fixture(scope="module")
def ends(model):
    """Ending tokens that let the rows end after very different numbers of tokens."""
    free = written(model, rows(), frozenset())
    return frozenset((free[0].ids[0], free[1].ids[2], free[2].ids[5], free[3].ids[9], free[4].ids[14]))


def written(model, some, ends):
    return write(model, some, [read(model, row) for row in some], SAMPLING, ends)


def test_a_row_writes_the_same_tokens_alone_and_beside_rows_that_end_before_it(model, ends):
    together = written(model, rows(), ends)
    assert len({len(each.ids) for each in together}) >= 4, "the rows were to end at different times"
    for row, each in zip(rows(), together, strict=True):
        [alone] = written(model, [row], ends)
        assert each.ids == alone.ids
        np.testing.assert_allclose(each.logprobs, alone.logprobs, atol=1e-4)


def test_the_cache_of_each_row_is_that_of_reading_all_but_its_last_token(model, ends):
    for prompt, each in zip(PROMPTS, written(model, rows(), ends), strict=True):
        again = read(model, Row([*prompt, *each.ids[:-1]], None, 0, np.random.default_rng(0)))
        for kept, expected in zip(each.layers, again.layers, strict=True):
            torch.testing.assert_close(kept[0], expected[0], atol=1e-4, rtol=1e-3)
            torch.testing.assert_close(kept[1], expected[1], atol=1e-4, rtol=1e-3)


def test_rows_that_have_ended_are_not_computed_any_more(model, ends, monkeypatch):
    sizes = []
    choose = decoding._choose

    def noted(logits, *rest):
        sizes.append(len(logits))
        return choose(logits, *rest)

    monkeypatch.setattr(decoding, "_choose", noted)
    lengths = [len(each.ids) for each in written(model, rows(), ends)]
    assert sizes[0] == len(PROMPTS)
    for number, size in enumerate(sizes):
        assert size < 2 * sum(length > number for length in lengths) + (size == 1)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
