"""What a chat model is to the rest of the package: a request goes in, a completion comes out.

`endpoint.Endpoint` asks a server, `journal.Journaled` remembers what any model said. A test's script or a local model
is one more class with a `name` and a method `complete`.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from pydantic import Field

from tool_gym.errors import InputError
from tool_gym.jsonvalue import digest
from tool_gym.messages import Noun


class ModelError(InputError):
    """A model does not answer: its endpoint cannot be reached, refuses, or keeps failing; the text says which."""


class RequestRefused(ModelError):
    """A model's server does not take this request, though it may take others: it is too long, or filtered."""


class ChatRequest(Noun):
    """What a model is asked.

    Attributes:
        messages: In OpenAI's wire form.
        tools: Tools that it may call, in OpenAI's wire form.
        answer_schema: JSON Schema that the content of the answer should fit; a model that cannot be held to it ignores
            it.
        temperature: 0 for the likeliest answer.
        max_tokens: Longest answer.
        seed: Seed of the sampling, where the model takes one; another seed is another request.
        occasion: What it is asked for, where the same words are to be answered anew on each occasion. It is not sent.
    """

    messages: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    tools: tuple[dict[str, Any], ...] = ()
    answer_schema: dict[str, Any] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    occasion: str = ""

    def key(self, model: str) -> str:
        """What identifies the request to a model: the SHA-256 of both."""
        return digest([model, self.model_dump(exclude=set() if self.occasion else {"occasion"})])


class Usage(Noun):
    """Tokens of one completion.

    Attributes:
        input_tokens: Of the request.
        output_tokens: Of the answer, reasoning included.
    """

    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0


class Completion(Noun):
    """What a model answered.

    Attributes:
        message: The assistant's message in OpenAI's wire form, for `tool_gym.messages.read_action`.
        finish: Why it ended: `stop`, `tool_calls`, `length` (cut at `max_tokens`), or what else the server says.
        usage: Tokens; None where the server does not tell.
    """

    message: dict[str, Any]
    finish: str = "stop"
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """The content of the message."""
        content = self.message.get("content")
        return content if isinstance(content, str) else ""


class ChatModel(Protocol):
    """A model that chats. `complete` is called from several threads at once.

    Attributes:
        name: What the model is called where results are kept.
    """

    name: str

    def complete(self, request: ChatRequest) -> Completion:
        """The answer to a request.

        Raises:
            ModelError: If there is none.
        """
