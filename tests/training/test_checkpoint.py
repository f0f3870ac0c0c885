"""Checkpoints: written whole or not at all, and read without running what is in them."""

import pickle

import pytest

torch = pytest.importorskip("torch")
from tool_gym.errors import InputError  # noqa: E402
from tool_gym.training.checkpoint import NAME, load_checkpoint, save_checkpoint  # noqa: E402


def test_a_state_comes_back_as_it_was(tmp_path):
    state = {"weights": {"a": torch.arange(4.0)}, "samples": [("s", 1, ("{}",), (1, 2))], "rates": {"s": 0.5}}
    save_checkpoint(tmp_path, state)
    found = load_checkpoint(tmp_path)
    assert torch.equal(found["weights"].pop("a"), torch.arange(4.0))
    assert {**found, "weights": {}} == {**state, "weights": {}}
    assert load_checkpoint(tmp_path / "empty") is None


def test_a_write_that_fails_leaves_the_old_state(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, {"batch": 1})

    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no room"):
        save_checkpoint(tmp_path, {"batch": 2})
    assert load_checkpoint(tmp_path) == {"batch": 1}


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


@pytest.mark.parametrize("content", [b"nothing", pickle.dumps(Bomb())])
def test_what_is_no_checkpoint_is_refused_and_none_of_it_runs(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(InputError, match="not a checkpoint"):
        load_checkpoint(tmp_path)
