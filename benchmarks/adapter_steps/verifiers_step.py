"""Episodes of verifiers' own environment and chat harness, against a local endpoint that says what the oracle says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import verifiers.v1 as vf
from small import oracle_texts, shortest
from verifiers.v1.clients import ModelContext

from tool_gym.adapters.verifiers import ToolGymConfig, ToolGymEnv, ToolGymEnvConfig
from tool_gym.packs.reader import load_pack

os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # the harness calls uv
SCENARIO = shortest(load_pack("starter"))
ORACLE = oracle_texts(SCENARIO)


class Endpoint(BaseHTTPRequestHandler):
    """Answers as the oracle for the model `oracle`, else that it does not know."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        turn = sum(message["role"] == "assistant" for message in asked["messages"])
        content = ORACLE[turn] if asked["model"] == "oracle" else "I do not know."
        fields = {"id": "1", "created": 0, "model": asked["model"]}
        message = {"role": "assistant", "content": content}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if asked.get("stream"):
            chunk = {**fields, "object": "chat.completion.chunk"}
            said = {"index": 0, "delta": message, "finish_reason": None}
            end = {"index": 0, "delta": {}, "finish_reason": "stop"}
            events = [
                {**chunk, "choices": [said]},
                {**chunk, "choices": [end]},
                {**chunk, "choices": [], "usage": usage},
            ]
            body = "".join(f"data: {text}\n\n" for text in [*map(json.dumps, events), "[DONE]"])
        else:
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = json.dumps({**fields, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


async def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = ToolGymEnvConfig(
        taskset=ToolGymConfig(id="tool_gym_tasks", pack="starter"),
        player=vf.AgentConfig(harness={"id": "null"}, runtime={"type": "subprocess"}),
    )
    env = ToolGymEnv(config)
    (task,) = [task for task in env.taskset if task.data.id == SCENARIO]
    client = vf.EvalClientConfig(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key_var="NO_KEY_IS_NEEDED")
    print(f"verifiers {version('verifiers')}; scenario {SCENARIO} of starter")
    async with env.serving():
        for model, expected in (("oracle", 1.0), ("other", 0.0)):
            episode = await env.run_episode(task, ModelContext(model=model, client=client))
            trace = episode.traces[0]
            print(f"{model}: rewards {trace.rewards}, metrics {trace.metrics}, ok {episode.ok}, {episode.errors}")
            if not episode.ok or "episode_return" not in trace.rewards or abs(trace.reward - expected) > 1e-9:
                raise SystemExit(f"{model}: expected a reward of {expected}; {trace.errors}")
    server.shutdown()


asyncio.run(main())
