"""Episodes through SkyRL-gym's own registry: the oracle's texts earn 1, a refusal and broken text nothing."""

from __future__ import annotations

from importlib.metadata import version

import skyrl_gym
from small import oracle_texts, rows_of, shortest

from tool_gym.adapters.games import Games

skyrl_gym.register("tool_gym", entry_point="tool_gym.adapters.skyrl:ToolGymEnv")
games = Games("starter")
scenario = shortest(games.pack)
(row,) = rows_of(games, scenario)
print(f"skyrl-gym {version('skyrl-gym')}; scenario {scenario} of starter")
for name, texts, expected in (
    ("oracle", oracle_texts(scenario), 1.0),
    ("refusal", ["I do not know."], 0.0),
    ("broken call, then refusal", ["<tool_call>\n{not json}\n</tool_call>", "I do not know."], 0.0),
):
    env = skyrl_gym.make("tool_gym", env_config={"pack": "starter"}, extras=row)
    conversation, _ = env.init(row["prompt"])
    earned, done = 0.0, False
    for text in texts:
        output = env.step(text)
        earned, done = earned + output["reward"], output["done"]
    print(f"{name}: {[message['role'] for message in conversation]}, {len(texts)} turns, done {done}, return {earned}")
    print(f"{name}: metrics {env.get_metrics()}")
    env.close()
    if not done or abs(earned - expected) > 1e-9:
        raise SystemExit(f"{name}: expected the episode to end with a return of {expected}")
