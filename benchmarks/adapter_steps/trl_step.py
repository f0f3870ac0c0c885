"""One optimiser step of TRL's GRPOTrainer through each adapter, on a model of random weights.

Such a model calls no tool, so two of the four rollouts are written by the oracle: their reward must be 1, that of the
others 0, and the step must move the weights. All else is TRL's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset
from small import byte_tokenizer, oracle_texts, random_model, rows_of, shortest
from trl import GRPOConfig, GRPOTrainer  # type: ignore[attr-defined]

from tool_gym.adapters.games import Games
from tool_gym.adapters.trl import environments, episode_return, rollout_function, rollout_return

GAMES = Games("starter")
SCENARIO = shortest(GAMES.pack)
ORACLE, OTHER = oracle_texts(SCENARIO), "I do not know."


class HalfOracle(GRPOTrainer):
    """A trainer whose first rollouts are written by the oracle."""

    _turn = 0

    def _generate_single_turn(self, prompt_ids: Any, *arguments: Any, **options: Any) -> Any:
        self._turn = 0 if len(prompt_ids) == 4 else self._turn + 1
        texts = [ORACLE[self._turn] if number < 2 else OTHER for number in range(len(prompt_ids))]
        tokenizer: Any = self.processing_class
        return [tokenizer(f"{text}<|im_end|>")["input_ids"] for text in texts], None


def step(name: str, **options: Any) -> None:
    template = Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja"
    tokenizer = byte_tokenizer(template.read_text())
    model = random_model(tokenizer)
    before = [weight.detach().clone() for weight in model.parameters()]
    config = GRPOConfig(
        output_dir="/tmp/tool-gym-trl-step", per_device_train_batch_size=4, num_generations=4, max_steps=1,
        max_completion_length=4096, learning_rate=1e-3, logging_steps=1, report_to=[], save_strategy="no",
        use_cpu=True, bf16=False, beta=0.0, gradient_checkpointing=False,
    )  # fmt: skip
    rows = Dataset.from_list(rows_of(GAMES, SCENARIO) * 4)
    trainer = HalfOracle(model=model, args=config, train_dataset=rows, processing_class=tokenizer, **options)
    trainer.train()
    logged = next(line for line in trainer.state.log_history if "reward" in line)
    moved = sum(float((a - b.detach()).abs().sum()) for a, b in zip(before, model.parameters(), strict=True))
    kept = {key: value for key, value in sorted(logged.items()) if key.startswith(("reward", "tools/", "grad_norm"))}
    print(f"{name}: {kept}")
    print(f"{name}: weights moved by {moved:.4f} in sum")
    if abs(logged["reward"] - 0.5) > 1e-6 or not moved > 0:
        raise SystemExit(f"{name}: expected a mean reward of 0.5 and weights that move")


print(f"TRL {trl.__version__}, torch {torch.__version__}; scenario {SCENARIO} of starter, {len(ORACLE)} turns")
step("environment_factory", reward_funcs=episode_return, environment_factory=environments(GAMES, [SCENARIO]))
step("rollout_func", reward_funcs=rollout_return, rollout_func=rollout_function(GAMES, rows_of(GAMES, SCENARIO)))
