"""A script in the place of a model: ten questions, and for each what a good model would propose at every stage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tool_gym.models.chat import ChatRequest, Completion, Usage

STAGES = ("decompose", "document", "integrate", "scale", "deploy")
PROPOSALS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "chat_completions").glob("*.json"))
}
QUESTIONS = tuple(each["question"] for each in PROPOSALS.values())


def asked_for(messages: tuple[Mapping[str, Any], ...]) -> tuple[str, str]:
    """Which question and which stage a request is about."""
    text = messages[1]["content"]
    stage = STAGES[int(text.removeprefix("# Stage ")[0]) - 1]
    return next(name for name, each in PROPOSALS.items() if each["question"] in text), stage


def scripted_text(messages: tuple[Mapping[str, Any], ...]) -> str:
    """What the script answers to a request."""
    name, stage = asked_for(messages)
    return json.dumps(PROPOSALS[name]["stages"][stage], ensure_ascii=False)


class ScriptedModel:
    """The script as a model. It says that it is one; nobody should take its words for a model's."""

    name = "scripted"

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    def complete(self, request: ChatRequest) -> Completion:
        self.requests.append(request)
        text = self.text(request)
        message = {"role": "assistant", "content": text}
        return Completion(message=message, usage=Usage(input_tokens=100, output_tokens=len(text) // 4))

    def text(self, request: ChatRequest) -> str:
        return scripted_text(request.messages)
