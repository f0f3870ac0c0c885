"""A policy that plays with a transformers model on this machine."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Literal

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, canonical
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import LocalModel, Prompt
from tool_gym.parsing.parser import parser as find_parser
from tool_gym.policies.plaintext import PlainText
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.policies.shots import Shots

Form = Literal["auto", "native", "text"]
"""How the tools reach the model: `native`, through the chat template; `text`, see `policies.plaintext`; `auto`, native
unless the template ignores tools or there are examples."""


class LocalPolicy(Policy):
    """Samples actions from a local model, all requests in one batch; conversations are not read twice.

    An action depends on its batch in its last bits (see `models.decoding`), so the policy is `batch_sensitive`.

    Args:
        model: The model.
        sampling: How tokens are chosen.
        form: How the tools reach the model.
        parser: How its family writes calls; of no concern in the form `text`.
        shots: Examples; they imply the form `text`.
        constrained: Whether what it writes is held to a reply, or calls that fit the tools' schemas.
        reasoning: Whether its template is asked for reasoning; None leaves that to the template.

    Raises:
        InputError: If the form is `native` and the template ignores tools; if decoding is constrained and the calls
            are of another format than `hermes`, or reasoning is on.
    """

    batch_sensitive = True

    def __init__(
        self,
        model: LocalModel,
        sampling: Sampling | None = None,
        *,
        form: Form = "auto",
        parser: str = "hermes",
        shots: Shots | None = None,
        constrained: bool = False,
        reasoning: bool | None = None,
    ) -> None:
        form = _form(model, form, shots)
        if form == "text":
            parser = "hermes"
        self._parse = find_parser(parser)
        if constrained and (self._parse.name != "hermes" or reasoning):
            raise InputError("constrained decoding writes calls in the format 'hermes', and no reasoning before them")
        if reasoning is not None and model.template_ignores("enable_thinking"):
            warnings.warn(f"the chat template of {model.name} knows no reasoning; it is left as it is", stacklevel=2)
        self._model, self._sampling = model, sampling or Sampling()
        self._plain = PlainText(shots.messages if shots else ()) if form == "text" else None
        self._variables = {} if reasoning is None else {"enable_thinking": reasoning}
        self._constrained = constrained
        self._settings = {
            "form": form,
            "parser": self._parse.name,
            "shots": list(shots.scenarios) if shots else [],
            "shots_sha256": hashlib.sha256(canonical(shots.messages)).hexdigest() if shots else None,
            "constrained": constrained,
            "reasoning": reasoning,
        }

    @property
    def fingerprint(self) -> dict[str, Json]:
        """The model's, the sampling and the form."""
        return {
            **super().fingerprint,
            **self._model.fingerprint,
            "sampling": self._sampling._asdict(),
            **self._settings,
        }

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """Samples an action for each request; what it wrote that cannot be read becomes a malformed call."""
        answers = self._model.generate([self._prompt(request) for request in requests], self._sampling)
        decisions = []
        for request, answer in zip(requests, answers, strict=True):
            if self._plain is not None:
                self._plain.note(request, answer.text)
            usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": len(answer.token_ids)}
            action = self._parse(answer.text)
            decisions.append(Decision(action, answer.token_ids, answer.logprobs, usage, prompt_ids=answer.prompt_ids))
        return decisions

    def end(self, episode_id: str) -> None:
        """Drops what is kept of an episode."""
        self._model.forget(episode_id)
        if self._plain is not None:
            self._plain.end(episode_id)

    def _prompt(self, request: Request) -> Prompt:
        tools = request.observation["tools"]
        if self._plain is not None:
            text = self._model.render(self._plain.messages(request), (), **self._variables)
        else:
            text = self._model.render(request.observation["messages"], tools, **self._variables)
        seed = (request.seed, request.info["turn"])
        return Prompt(request.episode_id, text, seed, tools if self._constrained else None)


def _form(model: LocalModel, form: Form, shots: Shots | None) -> Literal["native", "text"]:
    if form == "text" or shots:
        return "text"
    if not model.template_ignores("tools"):
        return "native"
    why = f"the chat template of {model.name} ignores tools: the model would never see them"
    if form == "native":
        raise InputError(f"{why}; choose the form 'text', or give its tokenizer a template that writes them")
    warnings.warn(f"{why}. They are written into the system message instead (the form 'text')", stacklevel=3)
    return "text"
