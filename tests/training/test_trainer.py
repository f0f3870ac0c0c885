"""The trainer: what it writes, that it learns, and that it goes on exactly where it was killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from tiny_runs import tiny_config, weights  # noqa: E402

from tool_gym.errors import InputError  # noqa: E402
from tool_gym.packs.reader import load_pack  # noqa: E402
from tool_gym.training.logbook import read_metrics  # noqa: E402
from tool_gym.training.trainer import Trainer  # noqa: E402

pytestmark = pytest.mark.slow

RUN = """
import sys, time
from tool_gym.training.config import TrainConfig
from tool_gym.training.trainer import Trainer
for row in Trainer(TrainConfig.model_validate_json(sys.argv[1])).run():
    time.sleep(float(sys.argv[2]))
"""


def train(config):
    return list(Trainer(config).run())


def test_a_run_writes_its_figures_its_model_and_its_curves(tmp_path, pack_folder):
    rows = train(tiny_config(tmp_path, pack_folder))
    assert [row["batch"] for row in rows] == list(range(len(rows)))
    assert read_metrics(tmp_path / "run") == rows
    assert {"reward", "kl", "entropy", "gradient_norm", "tokens", "silent"} <= rows[0].keys()
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    assert json.loads((tmp_path / "run" / "config.json").read_text())["learning_rate"] == 1e-3
    assert weights(tmp_path / "run").size > 1000


def test_a_killed_run_ends_with_the_weights_and_figures_of_an_uninterrupted_one(tmp_path, pack_folder):
    settings = {"iterations": 2, "scenarios": 6, "reward": "ftrl_f1", "updates": 2}
    train(tiny_config(tmp_path, pack_folder, **settings, out=str(tmp_path / "whole")))
    config = tiny_config(tmp_path, pack_folder, **settings, out=str(tmp_path / "killed"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-c", RUN, config.model_dump_json(), "0.3"], env=environment)
    metrics = tmp_path / "killed" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and len(metrics.read_text().splitlines()) >= 2):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "model").exists()
    subprocess.run([sys.executable, "-c", RUN, config.model_dump_json(), "0"], env=environment, check=True)
    assert np.array_equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    assert metrics.read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


def test_a_run_that_is_done_is_not_trained_further(tmp_path, pack_folder):
    train(tiny_config(tmp_path, pack_folder))
    before = weights(tmp_path / "run")
    assert train(tiny_config(tmp_path, pack_folder)) == []
    assert np.array_equal(before, weights(tmp_path / "run"))


def test_a_folder_with_another_run_is_refused(tmp_path, pack_folder):
    train(tiny_config(tmp_path, pack_folder, iterations=1))
    with pytest.raises(InputError, match="other settings"):
        Trainer(tiny_config(tmp_path, pack_folder, iterations=1, seed=1))


def test_whole_episodes_are_trained_on_with_the_figures_of_several_updates(tmp_path, pack_folder):
    rows = train(
        tiny_config(
            tmp_path, pack_folder, mode="episode", updates=2, algorithm="reinforce++", iterations=1, form="text"
        )
    )
    assert rows
    assert all(np.isfinite(list(row.values())).all() for row in rows)


def test_adapters_are_trained_alone_and_saved_alone(tmp_path, pack_folder):
    pytest.importorskip("peft")
    trainer = Trainer(tiny_config(tmp_path, pack_folder, lora_rank=2, reward="ftrl_f1", iterations=1))
    base = {name: each.clone() for name, each in trainer.local.model.named_parameters() if not each.requires_grad}
    list(trainer.run())
    now = dict(trainer.local.model.named_parameters())
    assert base
    assert all(torch.equal(each, now[name]) for name, each in base.items())
    assert (tmp_path / "run" / "model" / "adapter_model.safetensors").exists()


def test_gradients_of_a_batch_are_the_same_in_one_pass_and_in_many(tmp_path, pack_folder):
    ends = []
    for at_once in (1, 2):
        config = tiny_config(
            tmp_path,
            pack_folder,
            reward="ftrl_f1",
            iterations=1,
            prompts_at_once=at_once,
            out=str(tmp_path / str(at_once)),
        )
        train(config)
        ends.append(weights(tmp_path / str(at_once)))
    assert ends[0] == pytest.approx(ends[1], abs=1e-4)


def test_held_out_scenarios_are_measured_on_the_way(tmp_path, pack_folder):
    rows = train(tiny_config(tmp_path, pack_folder, evaluate_every=2, evaluate_split="all", evaluate_scenarios=2))
    assert ["heldout_solve_f1" in row for row in rows] == [number % 2 == 1 for number in range(len(rows))]
    assert all(0 <= row["heldout_solve_f1"] <= 1 for row in rows[1::2])


def test_arithmetic_in_bfloat16_leaves_the_weights_in_float32(tmp_path, pack_folder):
    train(tiny_config(tmp_path, pack_folder, precision="bfloat16", reward="ftrl_f1", iterations=1))
    assert np.isfinite(weights(tmp_path / "run")).all()


def test_examples_stand_before_each_question_and_are_not_trained_on(tmp_path, pack_folder):
    trainer = Trainer(tiny_config(tmp_path, pack_folder, form="auto", shots=1, iterations=1, max_turns=1))
    shown = trainer._shots.scenarios
    assert len(shown) == 1
    drawn = [name for _ in range(20) for name in trainer._draw_scenarios()]
    assert set(drawn) == set(trainer._pack.ids("all")) - set(shown)
    next(iter(trainer.run()))
    question = trainer._pack[shown[0]].question
    for sample in trainer._samples:
        assert question in trainer.local.tokenizer.decode(sample.prompt_ids)


def test_a_run_is_played_and_answered_with_the_perturbed_tools(tmp_path, pack_folder):
    trainer = Trainer(tiny_config(tmp_path, pack_folder, perturb="heavy+flaky", iterations=1))
    assert list(trainer.run())
    plain = load_pack(pack_folder)
    for sample in trainer._samples:
        shown = trainer.local.tokenizer.decode(sample.prompt_ids)
        assert all(f'"{tool.name}"' in shown for tool in trainer._pack[sample.scenario].tools)
        assert not any(f'"{tool.name}"' in shown for tool in plain[sample.scenario].tools)


def test_the_curriculum_passes_over_what_is_always_or_never_solved_and_once_only(tmp_path, pack_folder):
    trainer = Trainer(tiny_config(tmp_path, pack_folder, scenarios=4, keep_solve_rates=(0.1, 0.9)))
    ids = list(trainer._pack.ids("all"))
    half, never, always, *unknown = ids
    assert len(unknown) == 3
    trainer._rates = {half: 0.5, never: 0.0, always: 1.0}
    assert set(trainer._draw_scenarios()) == {half, *unknown}
    later = [name for _ in range(3) for name in trainer._draw_scenarios()]
    assert {never, always} <= set(later)


def test_what_is_played_decides_the_curriculum(tmp_path, pack_folder):
    trainer = Trainer(tiny_config(tmp_path, pack_folder, iterations=1))
    list(trainer.run())
    assert len(trainer._rates) == 3
    assert set(trainer._rates.values()) == {0.0}  # a model with random weights solves nothing
