import subprocess
import sys

import gymnasium as gym
import pytest

import tool_gym
from tool_gym.errors import PackError


def test_registering_a_folder_makes_an_environment_of_every_scenario_and_twice_changes_nothing(pack_folder):
    ids = tool_gym.register_pack(pack_folder)
    assert ids[0] == "ToolUse/small-v0"
    assert "ToolUse/small.multi-1-v0" in ids
    assert tool_gym.register_pack(pack_folder) == ids
    env = gym.make("ToolUse/small.multi-1-v0")
    assert env.reset(seed=0)[1]["scenario"] == "multi-1"
    assert gym.make("ToolUse/small-v0", split="all").reset(seed=1)[1]["pack"] == "small"


def test_a_registered_scenario_is_made_in_another_process(pack_folder):
    tool_gym.register_pack(pack_folder)
    envs = gym.make_vec("ToolUse/small.single-1-v0", 2, "async", vector_kwargs={"context": "spawn"})
    try:
        assert envs.reset(seed=0)[1]["scenario"].tolist() == ["single-1", "single-1"]
    finally:
        envs.close()


def test_a_folder_that_is_no_pack_is_refused(tmp_path):
    with pytest.raises(PackError, match=r"pack\.json"):
        tool_gym.register_pack(tmp_path)


def test_the_module_prefix_of_gymnasium_registers_too():
    code = "import gymnasium as gym; print(gym.make('tool_gym:ToolUse-v0').reset(seed=0)[1]['pack'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "starter"


def test_a_broken_pack_is_warned_of_and_breaks_nothing(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pack.json").write_text("{")
    code = "import gymnasium as gym, tool_gym; print(gym.make('ToolUse-v0').reset(seed=0)[1]['pack'])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"TOOL_GYM_PACKS": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert result.stdout.strip() == "starter"
    assert "a pack is left out" in result.stderr
