"""Users who are simulated: they hear what an agent says to them, and say what comes next.

Without one, the user of an episode is scripted: says the scenario's turns, one after another (with a single turn: the
whole wish at once), and the reply to the last ends the episode. A simulated user takes the scenario's question for its
instruction, tells of it what the conversation asks for, and ends the conversation when it has had enough.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

from tool_gym.errors import InputError, UnknownName
from tool_gym.jsonvalue import Json
from tool_gym.models.chat import ChatModel, ChatRequest, ModelError

STOP = "###STOP###"
"""What a model says that plays a user and has had enough."""
SCRIPTED: dict[str, Json] = {"user": "scripted"}
"""What results say of an episode whose user is not simulated."""
_GREETING = "Hello, what can I do for you?"
_ROLE = f"""\
You are the customer in a conversation with a service agent. What you want, and what you know:

{{instruction}}

Speak as this customer, in the first person.
- Say one short thing at a time. Let the agent ask; never tell all that you want or know in one message.
- Use your own words and keep to the character that is described, if one is.
- You know only what stands above. Asked for anything else, say that you do not know or do not have it.
- You are never the agent: you do not offer help, and you do not report what was done.
- When all that you want is done, or cannot be done, or you are handed to somebody else, write {STOP} and nothing else.
"""


class Talk(NamedTuple):
    """What a user knows when it is to speak.

    Attributes:
        instruction: What it wants: the scenario's question.
        messages: `{"role": "user" or "assistant", "content": str}`, what was said so far, the agent's last words last;
            empty at the beginning. What the agent does with its tools is not among it.
        seed: The episode's seed.
    """

    instruction: str
    messages: tuple[Mapping[str, str], ...]
    seed: int


User: TypeAlias = Callable[[Talk], str | None]
"""Says what the user says next, or None to end the conversation; raises `ModelError` when a model does not answer. It
is called from several threads at once, for different episodes, and tells who it is with `fingerprint` if it has one."""


class ModelUser:
    """A user whom a model plays.

    Args:
        model: The model.
        temperature: 0 for the likeliest answer.
        max_tokens: Longest thing that is said, reasoning included.
    """

    def __init__(self, model: ChatModel, *, temperature: float = 1.0, max_tokens: int = 1024) -> None:
        self._model, self._temperature, self._max_tokens = model, temperature, max_tokens

    @property
    def fingerprint(self) -> dict[str, Json]:
        """The model's name and the sampling."""
        sampling = {"temperature": self._temperature, "max_tokens": self._max_tokens}
        return {"user": "model", "model": self._model.name, "sampling": sampling}

    def __call__(self, talk: Talk) -> str | None:
        """What the model says; to it the agent is the user."""
        turned = {"user": "assistant", "assistant": "user"}
        messages = [
            {"role": "system", "content": _ROLE.format(instruction=talk.instruction)},
            {"role": "user", "content": _GREETING},
            *({"role": turned[said["role"]], "content": said["content"]} for said in talk.messages),
        ]
        completion = self._model.complete(
            ChatRequest(
                messages=tuple(messages),
                temperature=self._temperature,
                max_tokens=self._max_tokens,
                seed=talk.seed if self._temperature else None,
            )
        )
        words = completion.text.strip()
        if not words:
            raise ModelError(
                f"model {self._model.name!r}, as the user, says nothing (it ended with {completion.finish!r}); "
                "give it more tokens, or another model"
            )
        return None if STOP in words else words


def make_user(name: str, model: str = "", base_url: str | None = None, *, concurrency: int = 8) -> User | None:
    """The user of that name: None for `scripted`, a model behind an endpoint for `remote`.

    Args:
        name: `scripted` or `remote`.
        model: The model's name, as its server knows it.
        base_url: The server; None means OpenAI's own.
        concurrency: Requests at a time, >= 1.

    Raises:
        UnknownName: If there is no such user.
        InputError: If a model is missing, or named for no use, or the packages for models are not installed.
    """
    if name not in ("scripted", "remote"):
        raise UnknownName("user", name, ["scripted", "remote"])
    if (name == "remote") != bool(model):
        raise InputError(f"the user {name} {'needs a' if name == 'remote' else 'is no'} model; see --user-model")
    if name == "scripted":
        return None
    from tool_gym.models.endpoint import Endpoint

    return ModelUser(Endpoint(model, base_url, concurrency=concurrency))


def recorded(said: Sequence[str]) -> User:
    """A user who says again what was recorded, and then ends the conversation."""

    def say(talk: Talk) -> str | None:
        heard = sum(message["role"] == "user" for message in talk.messages)
        return said[heard] if heard < len(said) else None

    return say


def fingerprint(user: User | None) -> dict[str, Json]:
    """What results say of a user."""
    if user is None:
        return SCRIPTED
    own: dict[str, Json] | None = getattr(user, "fingerprint", None)
    return own or {"user": getattr(user, "__qualname__", type(user).__name__)}


class Dialogue:
    """A user's side of one episode. It is asked in the background, so that users of many episodes think at once.

    Attributes:
        user: Who speaks.
        said: What it has said so far.
        answer: What it was asked for and has not been heard yet, or None.
    """

    def __init__(self, user: User, instruction: str, seed: int) -> None:
        self.user, self.said = user, list[str]()
        self._instruction, self._seed = instruction, seed
        self.answer: Future[str | None] | None = None

    def ask(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Asks what it says to a transcript, of which it sees what was said."""
        heard = [
            {"role": message["role"], "content": message["content"]}
            for message in messages
            if message["role"] in ("user", "assistant") and not message.get("tool_calls")
        ]
        self.answer = _threads(os.getpid()).submit(self.user, Talk(self._instruction, tuple(heard), self._seed))

    def hear(self) -> str | None:
        """Waits for what it says; None ends the conversation.

        Raises:
            ModelError: If its model does not answer.
        """
        if self.answer is None:
            raise RuntimeError("the user was not asked")
        answer, self.answer = self.answer, None
        words = answer.result()
        if words is not None:
            self.said.append(words)
        return words

    def restore(self, said: Sequence[str]) -> None:
        """Goes back to where it had said so much; what it was asked since is not waited for."""
        self.said, self.answer = list(said), None


@functools.cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Threads to ask users in; a process that was forked has none of its parent's, and makes its own."""
    return ThreadPoolExecutor(64, thread_name_prefix="user")
