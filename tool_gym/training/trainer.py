"""The reference trainer: GRPO and REINFORCE++ on the turns of trajectories or on whole episodes, on one machine.

An iteration plays scenarios with the current model, makes prompts of what was played, and goes through them in
batches: sample responses, run their calls, reward, advantages, optimiser steps. The reference of an iteration is the
model at its start. Where this departs from the paper (arXiv 2508.08791, verl 0.3.1):

- Defaults are a machine's, not a cluster's: batches of 32 prompts (paper: 512, in 16 mini-batches) and one optimiser
  step each, so that the policy that samples is the one that learns: no ratio is clipped until `updates` is raised.
- The reward is the pack's own by default; `reward = "ftrl_f1"` is the paper's.
- A trajectory that the turn limit cuts gives no prompt for the turn that it was not allowed.
- The network stays in evaluation mode (no dropout), so that the loss sees the distribution that was sampled from.
- The curriculum (`keep_solve_rates`), whole episodes (`mode`), LoRA, examples (`shots`) and constrained sampling are
  additions. Under a
  constraint the loss takes the log-probabilities without it, as if the model had chosen freely.
- A whole episode whose chat template writes earlier turns otherwise than they were sampled is learned from up to there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tool_gym.errors import InputError
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.parsing.parser import parser
from tool_gym.perturb.pack import under
from tool_gym.perturb.spec import Perturbation
from tool_gym.policies.local import LocalPolicy
from tool_gym.policies.shots import Shots, make_shots
from tool_gym.rollouts import Play, plays
from tool_gym.sandbox.executor import Executor
from tool_gym.training.advantages import estimator
from tool_gym.training.checkpoint import load_checkpoint, save_checkpoint
from tool_gym.training.config import TrainConfig
from tool_gym.training.health import check_progress
from tool_gym.training.learner import Learner
from tool_gym.training.logbook import Logbook, plot_curves
from tool_gym.training.samples import (
    Group,
    Rules,
    Sample,
    answer_prefixes,
    played,
    prefix_samples,
    whole_response,
)
from tool_gym.verify.metrics import summarise

CONFIG, MODEL = "config.json", "model"
_COLLECT, _RESPOND, _MIX, _EVALUATE = range(4)
"""What is drawn; each has random numbers of its own."""


class Trainer:
    """A training run in a folder.

    The folder holds `config.json`, `checkpoint.pt`, `metrics.jsonl`, `times.jsonl`, `tensorboard/`, `curves.png`, and
    when the run is done `model/`.

    Attributes:
        config: Its settings.
        local: The model that is trained.
        out: The folder.
        batch: Batches done.
        done: Whether all iterations are.
    """

    def __init__(self, config: TrainConfig, local: LocalModel | None = None) -> None:
        """Loads the model, and where the run stands if it was begun before.

        Args:
            config: Settings.
            local: The model that they name, where it is loaded already or is of a class of its own; it is changed.

        Raises:
            InputError: If there is no such model, pack or split, or the folder holds another run.
        """
        self._pack = under(load_pack(config.pack), Perturbation.read(config.perturb, config.perturb_seed))
        if not self._pack.ids(config.split):
            raise InputError(f"pack {self._pack.name!r} has no scenario in the split {config.split!r}")
        self._parse = parser(config.parser)
        self.local = local or LocalModel(config.model, device=config.device, dtype="float32")
        self.config, self.out = config, _folder(config)
        self._learner = Learner(self.local.model, config)
        self.local.model = self._learner.model
        self._shots = _shots(config, self._pack)
        self._samples: list[Sample] = []
        self._rates: dict[str, float] = {}
        self._rewards: list[float] = []
        self._silent: list[float] = []
        self._iteration = self._place = self._drawn = self.batch = 0
        if state := load_checkpoint(self.out):
            for name in _PROGRESS:
                setattr(self, name, state[name])
            self._samples = [Sample(*each) for each in state["samples"]]
            self._learner.restore(state["learner"])

    @property
    def done(self) -> bool:
        """Whether all iterations are done."""
        return self._iteration == self.config.iterations

    def run(self) -> Iterator[dict[str, float]]:
        """Trains to the end, saves the model, and yields the figures of each batch on the way.

        Raises:
            TrainingStopped: If the run cannot come to anything; its figures and its last checkpoint stay.
        """
        logbook = Logbook(self.out, self.batch)
        try:
            with Executor(execution=self.config.execution) as executor:
                rules = Rules(self._pack, executor, self.config.reward, self.config.max_turns)
                while not self.done:
                    yield from self._one_iteration(rules, logbook)
        finally:
            logbook.close()
            if self.batch:
                plot_curves(self.out)
        self.local.model.save_pretrained(self.out / MODEL)
        self.local.tokenizer.save_pretrained(self.out / MODEL)

    def evaluate(self, rules: Rules) -> float:
        """Mean Solve-F1 on held-out scenarios, each played once, sampled as responses are."""
        config = self.config
        todo = plays(self._ids(config.evaluate_split)[: config.evaluate_scenarios])
        if not todo:
            raise InputError(f"pack {self._pack.name!r} has no scenario in the split {config.evaluate_split!r}")
        games = self._play(todo, rules, _EVALUATE, config.temperature)
        return float(summarise(trajectory for _, trajectory, _ in games)[-1]["solve_f1"])

    def _one_iteration(self, rules: Rules, logbook: Logbook) -> Iterator[dict[str, float]]:
        """The rest of an iteration, from its beginning or from where it was left."""
        if not self._samples:
            self._learner.renew_reference()
            self._samples = self._collect(rules)
            self._checkpoint()
        while self._place < len(self._samples):
            row, seconds = self._one_batch(self._samples[self._place : self._place + self.config.prompts], rules)
            self._place += self.config.prompts
            self.batch += 1
            if self.config.evaluate_every and self.batch % self.config.evaluate_every == 0:
                row["heldout_solve_f1"] = self.evaluate(rules)
            logbook.add(row, seconds)
            self._rewards.append(row["reward"])
            self._silent.append(row["silent"])
            if self.batch % self.config.checkpoint_every == 0:
                self._checkpoint()
            yield row
            check_progress(self._rewards, self._silent, self.config.patience)
        self._iteration, self._place, self._samples = self._iteration + 1, 0, []
        self._checkpoint()

    def _collect(self, rules: Rules) -> list[Sample]:
        """The prompts of an iteration, mixed."""
        config, samples = self.config, list[Sample]()
        scenarios = self._draw_scenarios()
        if config.mode == "episode":
            return [Sample(name, 0, (), ()) for name in scenarios]
        games = self._play(plays(scenarios, config.plays), rules, _COLLECT, config.collect_temperature)
        for _, trajectory, turns in games:
            samples += prefix_samples(trajectory, turns)
        longest = min(config.max_prompt_tokens, self.local.context - 1)
        fitting = [sample for sample in samples if len(sample.prompt_ids) <= longest]
        if not fitting:
            raise InputError(f"none of {len(samples)} prompts has at most {longest} tokens; raise max_prompt_tokens")
        return [fitting[i] for i in np.random.default_rng(self._seed(_MIX)).permutation(len(fitting))]

    def _ids(self, split: str) -> list[str]:
        """The scenarios of a split but those that are shown as examples."""
        shown = self._shots.scenarios if self._shots else ()
        return [name for name in self._pack.ids(split) if name not in shown]

    def _draw_scenarios(self) -> list[str]:
        """The next scenarios: pass after pass through the split, each in an order of its own."""
        ids, (low, high) = self._ids(self.config.split), self.config.keep_solve_rates
        wanted, chosen = min(self.config.scenarios, len(ids)), list[str]()
        while len(chosen) < wanted:
            number, place = divmod(self._drawn, len(ids))
            name = ids[np.random.default_rng((self.config.seed, number)).permutation(len(ids))[place]]
            self._drawn += 1
            # Forgetting the rate of one that is passed over gives it another chance in the next pass.
            if low <= self._rates.pop(name, low) <= high and name not in chosen:
                chosen.append(name)
        return chosen

    def _one_batch(self, samples: Sequence[Sample], rules: Rules) -> tuple[dict[str, float], dict[str, float]]:
        """Responses, rewards and optimiser steps of a batch; its figures and its seconds."""
        start = perf_counter()
        groups = self._respond(samples, rules)
        responses = [(number, each) for number, group in enumerate(groups) for each in group.responses]
        rewards = [each.reward for _, each in responses]
        lengths = [sum(each.chosen) for _, each in responses]
        advantages = estimator(self.config.algorithm)(rewards, [number for number, _ in responses], lengths)
        responded = perf_counter()
        figures = self._learner.learn(self.batch, groups, advantages)
        row = {
            "batch": self.batch,
            "iteration": self._iteration,
            "reward": float(np.mean(rewards)),
            "silent": float(np.mean([len({each.reward for each in group.responses}) == 1 for group in groups])),
            "tokens": float(np.mean(lengths)),
            "whole": float(np.mean([each.whole for _, each in responses])),
            **figures,
        }
        return row, {"responding": responded - start, "learning": perf_counter() - responded}

    def _respond(self, samples: Sequence[Sample], rules: Rules) -> list[Group]:
        """The responses to each prompt, rewarded."""
        config, many = self.config, self.config.responses
        if config.mode == "prefix":
            seed, sampling = self._seed(_RESPOND), Sampling(config.temperature, max_tokens=config.max_tokens)
            seeds = [[(seed, i, j) for j in range(many)] for i in range(len(samples))]
            with self._learner.precision():
                return answer_prefixes(
                    self.local,
                    samples,
                    rules,
                    self._parse,
                    sampling,
                    seeds=seeds,
                    at_once=config.at_once,
                    constrained=config.constrained,
                )
        todo = plays([sample.scenario for sample in samples], many)
        games = {play: rest for play, *rest in self._play(todo, rules, _RESPOND, config.temperature)}
        groups = []
        for sample in samples:
            own = [games[Play(sample.scenario, number)] for number in range(many)]
            responses = [each for each in [whole_response(*game) for game in own] if each.ids]
            if responses:  # a prompt that fills the model's context leaves no room for any
                groups.append(Group(own[0][1][0].prompt_ids, responses))
        return groups

    def _play(self, todo: Sequence[Play], rules: Rules, use: int, temperature: float) -> list[Any]:
        """Plays episodes with the model as it is, and takes note of how much of each scenario it solves."""
        config, solved = self.config, dict[str, list[float]]()
        policy = LocalPolicy(
            self.local,
            Sampling(temperature, max_tokens=config.max_tokens),
            form=config.form,
            parser=config.parser,
            shots=self._shots,
            constrained=config.constrained,
        )
        with self._learner.precision():
            games = list(played(policy, todo, rules, seed=self._seed(use), at_once=config.at_once))
        for play, trajectory, _ in games:
            solved.setdefault(play.scenario, []).append(trajectory.transitions[-1].score.f1)
        if use != _EVALUATE:
            self._rates.update({name: float(np.mean(each)) for name, each in solved.items()})
        return games

    def _seed(self, use: int) -> int:
        """The seed of what is drawn now; it follows from the run's seed and the place in the run alone."""
        numbers = (self.config.seed, use, self._iteration, self.batch)
        return int(np.random.SeedSequence(numbers).generate_state(1)[0])

    def _checkpoint(self) -> None:
        state = {name: getattr(self, name) for name in _PROGRESS}
        samples = [tuple(sample) for sample in self._samples]
        save_checkpoint(self.out, {**state, "samples": samples, "learner": self._learner.state()})


_PROGRESS = ("_iteration", "_place", "_drawn", "batch", "_rates", "_rewards", "_silent")
"""The plain fields that a checkpoint holds."""


def _shots(config: TrainConfig, pack: Pack) -> Shots | None:
    """The examples that the settings ask for, played with the oracle."""
    if not config.shots:
        return None
    with Executor(execution=config.execution) as executor:
        return make_shots(pack, config.shots, executor)


def _folder(config: TrainConfig) -> Path:
    """The folder of the run, with its settings in it.

    Raises:
        InputError: If it holds a run with other settings.
    """
    folder = Path(config.out)
    text = config.model_dump_json(indent=1) + "\n"
    kept = folder / CONFIG
    if kept.exists() and kept.read_text() != text:
        raise InputError(f"{folder}: holds a run with other settings ({kept}); choose another folder as out")
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(text)
    return folder
