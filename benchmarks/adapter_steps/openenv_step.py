"""Two sessions at once over OpenEnv's own server and client: the oracle's earns 1, the other nothing."""

from __future__ import annotations

import threading
import time
from importlib.metadata import version

import uvicorn
from openenv.core.generic_client import GenericEnvClient
from small import oracle_texts, rows_of, shortest

from tool_gym.adapters.games import Games
from tool_gym.adapters.openenv import make_app
from tool_gym.parsing.parser import parser

games = Games("starter")
scenario = shortest(games.pack)
(row,) = rows_of(games, scenario)
server = uvicorn.Server(uvicorn.Config(make_app(games.pack), host="127.0.0.1", port=8763, log_level="warning"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.1)
print(f"openenv {version('openenv')}; scenario {scenario} of starter")
earned = {"oracle": 0.0, "other": 0.0}
with (
    GenericEnvClient(base_url="http://127.0.0.1:8763").sync() as first,
    GenericEnvClient(base_url="http://127.0.0.1:8763").sync() as second,
):
    first.reset(scenario=scenario, seed=row["seed"])
    second.reset(scenario=scenario, seed=row["seed"])
    result = second.step({"content": "I do not know."})
    earned["other"] += result.reward
    print(f"other: done {result.done}, return {earned['other']}")
    for text in oracle_texts(scenario):
        action = parser("hermes")(text)
        calls = [{"name": call.name, "arguments": call.arguments} for call in action.tool_calls]
        result = first.step({"content": action.content, "tool_calls": calls})
        earned["oracle"] += result.reward
        last = result.observation["messages"][-1]["role"]
        print(f"oracle: {len(calls)} calls, last message of {last}, reward {result.reward}, done {result.done}")
    print(f"oracle: state {first.state()}")
server.should_exit = True
if not result.done or abs(earned["oracle"] - 1) > 1e-9 or earned["other"]:
    raise SystemExit(f"expected returns of 1 and 0, got {earned}")
