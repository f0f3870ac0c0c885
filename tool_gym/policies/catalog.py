"""Policies by name: what the command line and suites can play with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tool_gym.errors import InputError, UnknownName
from tool_gym.models.chat import ChatModel
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.policies.policy import FunctionPolicy, Policy
from tool_gym.policies.reader import CarefulReader
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.policies.shots import Shots, make_shots
from tool_gym.sandbox.executor import Executor

SCRIPTED: dict[str, Callable[[Pack, int], Policy]] = {
    "oracle": lambda pack, seed: OraclePolicy(pack),
    "random": lambda pack, seed: RandomPolicy(seed),
    "careful-reader": lambda pack, seed: CarefulReader(seed),
}
"""Policies without a model, from the pack that is played and the run's seed."""
MODELS = ("local", "remote")


class ModelOptions(NamedTuple):
    """How a model plays; see `policies.local.LocalPolicy` and `policies.remote.RemotePolicy`.

    Attributes:
        model: Folder or GGUF file of a local model; the name of a remote one, as its server knows it.
        base_url: The remote model's server; None means OpenAI's own.
        form: How the tools reach the model: `auto`, `native`, `text`.
        parser: How calls are read from text; None: `hermes` for a local model, not at all for a remote one.
        shots: Examples before the question, >= 0.
        shots_from: Pack of the examples; None: the one that is played if it has reference calls, else `starter`.
        constrained: Whether a local model is held to the tools' schemas.
        reasoning: Whether a local model's template is asked for reasoning; None: as the template likes.
        temperature: 0 for the likeliest token.
        top_p: For a local model, in (0, 1].
        max_tokens: Longest turn.
        concurrency: Requests to a server at a time, >= 1.
        requests_per_minute: Most requests to a server in a minute; None: no limit.
        prices: What a million input and output tokens cost.
        journal: File that keeps a remote model's answers, so that an interrupted run does not pay for them twice; None:
            they are not kept.
        device: Of a local model; None: a GPU if there is one.
        dtype: Of a local model.
    """

    model: str = ""
    base_url: str | None = None
    form: str = "auto"
    parser: str | None = None
    shots: int = 0
    shots_from: str | None = None
    constrained: bool = False
    reasoning: bool | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    concurrency: int = 8
    requests_per_minute: float | None = None
    prices: tuple[float, float] = (0.0, 0.0)
    device: str | None = None
    dtype: str = "auto"
    journal: str | None = None


class Chosen(NamedTuple):
    """A policy, and the scenarios of the played pack that it is shown as examples."""

    policy: Policy
    shown: tuple[str, ...] = ()


def make_policy(name: str, pack: Pack, executor: Executor, seed: int, options: ModelOptions) -> Chosen:
    """Makes a policy.

    Args:
        name: A key of `SCRIPTED`, `local`, `remote`, or `module:name` of one's own: a `Policy`, a class of one that
            needs no arguments, or a function `(observation, info) -> action`.
        pack: The pack that is played.
        executor: Runs the tools of the examples.
        seed: Seed of the run.
        options: For models.

    Raises:
        UnknownName: If nothing has this name.
        InputError: If an option is wrong, or the packages for models are not installed.
    """
    if name in SCRIPTED:
        return Chosen(SCRIPTED[name](pack, seed))
    if ":" in name:
        return Chosen(_own(name))
    if name not in MODELS:
        raise UnknownName("policy", name, [*SCRIPTED, *MODELS], "Your own is named as module:name.")
    if not options.model:
        raise InputError(f"the policy {name} needs a model; name one with --model")
    if options.form not in ("auto", "native", "text"):
        raise UnknownName("form", options.form, ["auto", "native", "text"])
    shots, source = None, None
    if options.shots:
        source = _source_of_shots(pack, options.shots_from)
        shots = make_shots(source, options.shots, executor)
    try:
        policy = _local(options, shots) if name == "local" else _remote(options, shots)
    except ImportError as error:
        extra = "train" if name == "local" else "chat"
        raise InputError(f"the policy {name} needs {error.name}; pip install 'tool-gym[{extra}]'") from None
    same = shots is not None and source is not None and source.digest == pack.digest
    return Chosen(policy, shots.scenarios if shots and same else ())


def _local(options: ModelOptions, shots: Shots | None) -> Policy:
    from tool_gym.models.decoding import Sampling
    from tool_gym.models.local import LocalModel
    from tool_gym.policies.local import LocalPolicy

    return LocalPolicy(
        LocalModel(options.model, device=options.device, dtype=options.dtype),
        Sampling(options.temperature, options.top_p, options.max_tokens),
        form=options.form,  # type: ignore[arg-type]  # checked above
        parser=options.parser or "hermes",
        shots=shots,
        constrained=options.constrained,
        reasoning=options.reasoning,
    )


def _remote(options: ModelOptions, shots: Shots | None) -> Policy:
    from tool_gym.models.endpoint import Endpoint
    from tool_gym.models.journal import Journaled
    from tool_gym.models.ledger import Ledger, Prices
    from tool_gym.policies.remote import RemotePolicy

    model: ChatModel = Endpoint(options.model, options.base_url, concurrency=options.concurrency)
    return RemotePolicy(
        Journaled(model, options.journal, Ledger()) if options.journal else model,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        form="text" if options.form == "text" else "native",
        parser=options.parser,
        shots=shots,
        concurrency=options.concurrency,
        requests_per_minute=options.requests_per_minute,
        prices=Prices(*options.prices),
    )


def _source_of_shots(pack: Pack, name: str | None) -> Pack:
    if name is not None:
        return load_pack(name)
    first = pack[next(iter(pack))]
    return pack if all(step.arguments is not None for step in first.sub_questions) else load_pack("starter")


def _own(name: str) -> Policy:
    """The policy that `module:name` says."""
    module, _, attribute = name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"policy {name!r}: {error}; expected module:name of something that can be imported") from None
    if isinstance(found, Policy):
        return found
    if isinstance(found, type) and issubclass(found, Policy):
        return found()
    if callable(found):
        return FunctionPolicy(found)
    raise InputError(f"policy {name!r}: expected a Policy, a class of one, or a function (observation, info) -> action")
