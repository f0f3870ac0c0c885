"""A policy that asks a model behind an endpoint, for many episodes at a time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tool_gym.jsonvalue import Json, canonical
from tool_gym.messages import openai_message
from tool_gym.models.chat import ChatModel, ChatRequest, Completion, ModelError
from tool_gym.models.ledger import Prices
from tool_gym.parsing.parser import parser as find_parser
from tool_gym.policies.plaintext import PlainText
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.policies.shots import Shots


class RemotePolicy(Policy):
    """Asks a `ChatModel`: an endpoint, or whatever else completes chats.

    A request that the model does not answer, after the endpoint's own retries, costs its episode: the decision has a
    `failure`.

    Args:
        model: The model.
        temperature: 0 for the likeliest answer.
        max_tokens: Longest answer.
        form: `native` sends the tools with the request; `text` writes them into the system message (see
            `policies.plaintext`).
        parser: How calls are read from the text of an answer that has none of its own; None: not at all. The form
            `text` reads `hermes`.
        shots: Examples; they imply the form `text`.
        concurrency: Episodes for which it asks at a time, >= 1; each goes on as soon as its own answer is there.
        requests_per_minute: Most requests that are begun in a minute; None: no limit.
        prices: What tokens cost.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        temperature: float = 0.0,
        max_tokens: int = 512,
        form: Literal["native", "text"] = "native",
        parser: str | None = None,
        shots: Shots | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        prices: Prices | None = None,
    ) -> None:
        form = "text" if shots else form
        self._parse = find_parser("hermes") if form == "text" else find_parser(parser) if parser else None
        self._model, self._temperature, self._max_tokens = model, temperature, max_tokens
        self._plain = PlainText(shots.messages if shots else ()) if form == "text" else None
        self._pace = _Pace(requests_per_minute)
        self._prices = prices or Prices()
        self.threads = concurrency
        self._settings = {
            "model": model.name,
            "sampling": {"temperature": temperature, "max_tokens": max_tokens},
            "form": form,
            "parser": self._parse.name if self._parse else None,
            "shots": list(shots.scenarios) if shots else [],
            "shots_sha256": hashlib.sha256(canonical(shots.messages)).hexdigest() if shots else None,
        }

    @property
    def fingerprint(self) -> dict[str, Json]:
        """The model's name, the sampling and the form; what stands behind the name only its server knows."""
        return {**super().fingerprint, **self._settings}

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """Asks for each request."""
        return [self._decide(request) for request in requests]

    def end(self, episode_id: str) -> None:
        """Drops what is kept of an episode."""
        if self._plain is not None:
            self._plain.end(episode_id)

    def _decide(self, request: Request) -> Decision:
        self._pace.wait()
        try:
            completion = self._model.complete(self._asked(request))
        except ModelError as error:
            return Decision({}, failure=str(error))
        if self._plain is not None:
            self._plain.note(request, completion.text)
        return Decision(self._read(completion), usage=self._usage(completion))

    def _asked(self, request: Request) -> ChatRequest:
        if self._plain is not None:
            messages: list[dict[str, Any]] = [*self._plain.messages(request)]
            tools: tuple[dict[str, Any], ...] = ()
        else:
            messages = [openai_message(message) for message in request.observation["messages"]]
            tools = tuple(request.observation["tools"])
        return ChatRequest(
            messages=tuple(messages),
            tools=tools,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            seed=request.seed if self._temperature else None,
            occasion=request.episode_id,
        )

    def _read(self, completion: Completion) -> Any:
        message: Mapping[str, Json] = completion.message
        return self._parse(completion.text) if self._parse and not message.get("tool_calls") else message

    def _usage(self, completion: Completion) -> dict[str, float]:
        used = completion.usage
        if used is None:
            return {}
        return {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "cost": self._prices.of(used),
        }


class _Pace:
    """Lets so many pass in a minute, evenly."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when it is the caller's turn."""
        if not self._gap:
            return
        with self._lock:
            turn = self._next = max(time.monotonic(), self._next + self._gap)
        time.sleep(max(0.0, turn - time.monotonic()))
