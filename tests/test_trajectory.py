import pytest
from small_pack import STATEFUL, TABLES

from tool_gym.episode import Caps, Episode
from tool_gym.errors import InputError
from tool_gym.trajectory import read_trajectories, write_trajectories


@pytest.fixture
def trajectory(executor):
    episode = Episode(
        STATEFUL, executor, tables=TABLES, seed=3, system="Sei kurz. 简短", caps=Caps(max_result_chars=500)
    )
    episode.step({"tool_calls": [{"name": "order", "arguments": {"item": "🥖"}}, {"name": "order", "arguments": "{"}]})
    episode.step({"content": "<answer>2</answer>"})
    return episode.trajectory()


def test_a_trajectory_survives_its_file(trajectory, tmp_path):
    path = tmp_path / "t.jsonl"
    assert write_trajectories(path, [trajectory, trajectory.without_gold()]) == 2
    whole, bare = read_trajectories(path)
    assert whole == trajectory
    assert bare.gold is None
    assert whole.settings == {"system": "Sei kurz. 简短", "caps": {"max_result_chars": 500}}
    assert len(whole.transitions[0].state_digest) == 64
    assert whole.gold.final_state == {"items": ["🥖"]}


def test_a_file_is_replaced_only_when_all_is_written(trajectory, tmp_path):
    path = tmp_path / "t.jsonl"
    write_trajectories(path, [trajectory])
    before = path.read_bytes()

    def failing():
        yield trajectory
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_trajectories(path, failing())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["t.jsonl"]


def test_a_missing_file_and_a_broken_line_are_named(trajectory, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_trajectories(tmp_path / "none.jsonl"))
    path = tmp_path / "t.jsonl"
    write_trajectories(path, [trajectory] * 2)
    path.write_text(path.read_text() + '{"pack": 5}\n')
    with pytest.raises(InputError, match=r"line 3: not a trajectory: .* more"):
        list(read_trajectories(path))
