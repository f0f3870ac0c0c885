"""An OpenAI-compatible endpoint as a `ChatModel`: bounded retries, a timeout, so many requests at a time."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

from tool_gym.errors import InputError
from tool_gym.models.chat import ChatRequest, Completion, ModelError, RequestRefused, Usage

KEY_VARIABLE = "OPENAI_API_KEY"


class Endpoint:
    """A model behind `POST <base_url>/chat/completions`, through the `openai` client.

    The client tries again what may pass (429, 408, 5xx, no connection, no answer in time), waits as long as
    `Retry-After` asks, else longer each time, and gives up after `retries`. A server that refuses `response_format` is
    asked without it from then on.

    Args:
        name: The model's name, as the server knows it.
        base_url: The server, as `http://localhost:8000/v1`; None means OpenAI's own.
        api_key: The key; None means the environment's `OPENAI_API_KEY`, which a server of one's own does without.
        timeout_s: Seconds that a server may be silent, > 0.
        retries: Tries after the first, >= 0.
        concurrency: Most requests at a time, >= 1.

    Raises:
        InputError: If the `openai` package or a key is missing, or an argument is out of its range.
    """

    def __init__(
        self,
        name: str,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = 300.0,
        retries: int = 5,
        concurrency: int = 8,
    ) -> None:
        if timeout_s <= 0 or retries < 0 or concurrency < 1:
            raise InputError(f"{timeout_s=}, {retries=}, {concurrency=}; expected > 0, >= 0 and >= 1")
        try:
            import openai
        except ImportError:
            raise InputError("chat models need the openai package; pip install 'tool-gym[chat]'") from None
        key = api_key or os.environ.get(KEY_VARIABLE) or ("unused" if base_url else None)
        if key is None:
            raise InputError(f"no key for {name!r}; set {KEY_VARIABLE}, or name a server of your own with base_url")
        self.name = name
        self._again = functools.partial(
            Endpoint, name, base_url, api_key=api_key, timeout_s=timeout_s, retries=retries, concurrency=concurrency
        )
        self._errors = openai
        self._client = openai.OpenAI(api_key=key, base_url=base_url, timeout=timeout_s, max_retries=retries)
        self._place = f"model {name!r} at {self._client.base_url}"
        self._gate = threading.BoundedSemaphore(concurrency)
        self._takes_schema = True
        self._length = "max_tokens"

    def __reduce__(self) -> tuple[functools.partial[Endpoint], tuple[()]]:
        """Another machine, or a copy, gets a client of its own."""
        return self._again, ()

    def complete(self, request: ChatRequest) -> Completion:
        """The server's answer.

        Raises:
            RequestRefused: If it does not take this request.
            ModelError: If it keeps failing, or answers what is no completion.
        """
        with self._gate:
            try:
                return self._adapted(request)
            except self._errors.OpenAIError as error:
                raise self._told(error) from None

    def _adapted(self, request: ChatRequest) -> Completion:
        """Asks in the server's own way: each habit is given up when the server refuses it, and works without it."""
        structured = self._takes_schema and request.answer_schema is not None
        length = self._length
        while True:
            try:
                answer = self._ask(request, length, structured=structured)
            except (self._errors.BadRequestError, self._errors.UnprocessableEntityError) as error:
                if length == "max_tokens" and "max_completion_tokens" in str(error):
                    length = "max_completion_tokens"
                elif structured:
                    structured = False
                else:
                    raise
                continue
            self._length = length
            if request.answer_schema is not None:
                self._takes_schema = structured
            return self._read(answer)

    def _ask(self, request: ChatRequest, length: str, *, structured: bool) -> Any:
        fields: dict[str, Any] = {
            "model": self.name,
            "messages": list(request.messages),
            "temperature": request.temperature,
            length: request.max_tokens,
        }
        if request.seed is not None:
            fields["seed"] = request.seed
        if request.tools:
            fields["tools"] = list(request.tools)
        if structured:
            schema = {"name": "answer", "schema": request.answer_schema, "strict": False}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        # A server that knows the header does not bill a request again that comes again.
        return self._client.chat.completions.create(**fields, extra_headers={"Idempotency-Key": request.key(self.name)})

    def _read(self, answer: Any) -> Completion:
        """Reads what the server sent, which the client does not check."""
        try:
            choice = answer.choices[0]
            message = choice.message.model_dump(exclude_none=True)
            usage = answer.usage and Usage(
                input_tokens=answer.usage.prompt_tokens, output_tokens=answer.usage.completion_tokens
            )
            return Completion(message=message, finish=str(choice.finish_reason), usage=usage)
        except (AttributeError, IndexError, TypeError, ValueError):
            raise ModelError(f"{self._place}: the server's answer is no chat completion; is base_url right?") from None

    def _told(self, error: Exception) -> ModelError:
        """The error in words for the person who named the server."""
        kind, advice = ModelError, "see that the server runs, then run again"
        if isinstance(error, (self._errors.AuthenticationError, self._errors.PermissionDeniedError)):
            advice = f"see that {KEY_VARIABLE} holds a key that may use it"
        elif isinstance(error, self._errors.NotFoundError):
            advice = "see that base_url and the model's name are right"
        elif isinstance(error, (self._errors.BadRequestError, self._errors.UnprocessableEntityError)):
            kind, advice = RequestRefused, "the server does not take this request"
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        return kind(f"{self._place}: {str(error)[:500]}{cause}; {advice}")
