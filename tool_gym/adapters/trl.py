"""TRL's `GRPOTrainer`: an environment class for each scenario, and a rollout function. Tested with TRL 1.16.

    games = Games("starter")
    trainer = GRPOTrainer(model, reward_funcs=episode_return, environment_factory=environments(games),
                          train_dataset=Dataset.from_list(rows))          # rows: tool-gym export trl

TRL shows the model what Python's type hints can say of a tool, so nested schemas lose their details; it runs the calls
of a turn itself, one after another, and never tells an environment of calls that it cannot make, nor of the final
answer. `episode_return` therefore plays the finished transcript again, turn by turn, and rewards that.

    trainer = GRPOTrainer(model, reward_funcs=rollout_return, rollout_func=rollout_function(games, rows),
                          train_dataset=Dataset.from_list(rows))

The rollout function shows the model the tools' own schemas and plays the episodes as the environment does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Union

from tool_gym.adapters.games import Game, Games, plain_data
from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.parsing.parser import parser as find_parser
from tool_gym.scenario import Scenario, Tool

_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict, "null": type(None)}
_TAKEN = ("reset", "get_reward")


def environments(games: Games, scenarios: Iterable[str] | None = None) -> dict[str, Callable[[], Environment]]:
    """The `environment_factory` of `GRPOTrainer`: by scenario, the class of its environments.

    Args:
        games: Opens the episodes.
        scenarios: Ids of the scenarios that the dataset names; all of the pack by default.

    Raises:
        InputError: If a scenario cannot be played this way; the text says why.
    """
    chosen = games.pack.ids() if scenarios is None else scenarios
    return {name: environment_class(games, games.pack[name]) for name in chosen}


class Environment:
    """What TRL's environments of all scenarios share: every other method of theirs is a tool of the scenario."""

    _games: Games

    def reset(self, **row: Any) -> None:
        """Opens the episode of a row of `tool-gym export trl`; its columns are described there."""
        self._row = row
        self._game = self._open()

    def _open(self) -> Game:
        return self._games.open(**{key: self._row[key] for key in _PLACE})

    def _call(self, name: str, arguments: Mapping[str, Json]) -> str:
        if self._game.episode.done:
            gone = ToolMessage.failure(ToolCall(name=name), "limit", "the episode has ended; no tool runs any more")
            return gone.content
        result = self._game.step({"tool_calls": [{"name": name, "arguments": arguments}]})
        return str(result.observation["messages"][-1]["content"])

    def _return_of(self, completion: Sequence[Mapping[str, Json]]) -> float:
        """What a transcript earns when its turns are played from the row's beginning."""
        game = self._open()
        for message in completion:
            if message["role"] == "assistant" and not game.episode.done:
                game.step(message)
        return game.close()


_PLACE = ("scenario", "seed", "prefix", "pack", "version")


def episode_return(
    environments: Sequence[Environment], completions: Sequence[Sequence[Mapping[str, Json]]], **columns: Any
) -> list[float]:
    """A reward function for `environments`: the return of each episode, cut off ones closed by an empty reply."""
    return [each._return_of(completion) for each, completion in zip(environments, completions, strict=True)]


def environment_class(games: Games, scenario: Scenario) -> type[Environment]:
    """An environment class whose methods are the scenario's tools.

    Raises:
        InputError: If the scenario has several user turns, or a tool or parameter has a name that no method can have.
    """
    if len(scenario.turns) > 1:
        raise InputError(
            f"scenario {scenario.id!r} has {len(scenario.turns)} user turns, and TRL ends an episode with the first "
            "reply; leave it out"
        )
    methods = {tool.name: _method(scenario, tool) for tool in scenario.tools}
    name = "".join(part.title() for part in scenario.id.split("-"))
    return type(name, (Environment,), {"__doc__": f"Scenario {scenario.id}.", "_games": games, **methods})


def _method(scenario: Scenario, tool: Tool) -> Callable[..., str]:
    """A tool as a method that says in Python's terms what its schema says."""

    def method(self: Environment, /, **arguments: Any) -> str:
        return self._call(tool.name, arguments)

    place = f"scenario {scenario.id!r}, tool {tool.name!r}"
    if tool.name in _TAKEN or hasattr(Environment, tool.name):
        raise InputError(f"{place}: TRL takes that name for itself; use rollout_function, or leave the scenario out")
    required = tool.parameters.get("required", ())
    properties: Mapping[str, Json] = tool.parameters.get("properties", {})
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    try:
        listed = [_parameter(name, schema, name in required) for name, schema in properties.items()]
        method.__signature__ = inspect.Signature([own, *listed])  # type: ignore[attr-defined]
    except ValueError as error:
        raise InputError(f"{place}: {error}; use rollout_function, or leave the scenario out") from None
    method.__name__ = method.__qualname__ = tool.name
    method.__annotations__ = {**{each.name: each.annotation for each in listed}, "return": str}
    about = [f"    {name}: {_document(schema, f'The {name}.')}" for name, schema in properties.items()]
    method.__doc__ = "\n".join([_line(tool.description) or tool.name, *(["", "Args:", *about] if about else [])])
    return method


def _parameter(name: str, schema: Json, required: bool) -> inspect.Parameter:
    default = inspect.Parameter.empty if required else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_hint(schema))


def _hint(schema: Json) -> Any:
    """The type hint that says most of a schema."""
    if not isinstance(schema, Mapping):
        return Any
    choices = schema.get("enum")
    if choices and all(isinstance(each, (str, int, bool, type(None))) for each in choices):
        return Literal[tuple(choices)]
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)) and kind:
        return Union[tuple(_hint({**schema, "type": each}) for each in kind)]  # noqa: UP007
    if kind == "array":
        return list[_hint(schema["items"])] if isinstance(schema.get("items"), Mapping) else list  # type: ignore[misc]
    return _TYPES.get(str(kind), Any)


def _document(schema: Json, default: str) -> str:
    return (_line(schema.get("description", "")) if isinstance(schema, Mapping) else "") or default


def _line(text: str) -> str:
    """Text on one line, without the words that divide a docstring."""
    return re.sub(r"\b(Args|Returns|Raises|choices):", r"\1 -", " ".join(str(text).split()))


def rollout_function(
    games: Games, rows: Iterable[Mapping[str, Any]], parser: str = "hermes"
) -> Callable[[list[Any], Any], dict[str, list[Any]]]:
    """The `rollout_func` of `GRPOTrainer`.

    All episodes of a batch are played together. The ids that were sampled are kept; tool output is masked. An episode
    that runs into the trainer's longest completion is cut off there.

    Args:
        games: Opens the episodes.
        rows: The rows of the dataset; TRL passes only their prompts on, by which they are found again.
        parser: How the model's family writes calls.

    Returns:
        A function that gives, beside what TRL asks for, `episode_return`; `rollout_return` makes it the reward.

    Raises:
        InputError: If a row is of a scenario with several user turns, which TRL cannot write into a completion.
    """
    parse, places = find_parser(parser), dict[str, dict[str, Any]]()
    for row in rows:
        if len(games.pack[row["scenario"]].turns) > 1:
            raise InputError(f"scenario {row['scenario']!r} has several user turns; leave its rows out")
        places.setdefault(digest(row["prompt"]), {key: row[key] for key in _PLACE})

    def rollout(prompts: list[Any], trainer: Any) -> dict[str, list[Any]]:
        episodes = [_Rollout(games.open(**places[digest(prompt)]), trainer) for prompt in prompts]
        while running := [each for each in episodes if each.open]:
            # TRL has no public name for "sample after these ids with whatever backend there is".
            ids, logprobs = trainer._generate_single_turn([each.ids for each in running], None, {}, 1)
            for number, each in enumerate(running):
                each.said(list(ids[number]), list(logprobs[number]) if logprobs else None, parse, trainer)
        known = all(each.logprobs is not None for each in episodes)
        return {
            "prompt_ids": [each.ids[: each.start] for each in episodes],
            "completion_ids": [each.ids[each.start :] for each in episodes],
            "logprobs": [each.logprobs for each in episodes] if known else None,  # type: ignore[dict-item]
            "env_mask": [each.mask for each in episodes],
            "episode_return": [each.game.close() for each in episodes],
        }

    return rollout


def rollout_return(episode_return: Sequence[float], **columns: Any) -> list[float]:
    """The reward function for `rollout_function`: what each episode earned."""
    return list(episode_return)


class _Rollout:
    """One episode as a growing sequence of token ids."""

    def __init__(self, game: Game, trainer: Any) -> None:
        self.game = game
        self.ids: list[int] = _ids(
            trainer.processing_class.apply_chat_template(
                plain_data(game.episode.observation["messages"]),
                tools=plain_data(game.episode.observation["tools"]),
                chat_template=trainer.chat_template,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
                **trainer.chat_template_kwargs,
            )
        )
        self.start = len(self.ids)
        self.mask: list[int] = []
        self.logprobs: list[float] | None = []
        self.open = True

    def said(self, ids: list[int], logprobs: list[float] | None, parse: Callable[[str], Any], trainer: Any) -> None:
        """Takes what was sampled, plays the turn, and adds what the tools answered."""
        room = trainer.max_completion_length - len(self.mask)
        whole = len(ids) <= room
        self._add(ids[:room], 1, logprobs)
        if whole:
            before = len(self.game.episode.observation["messages"])
            self.game.step(parse(trainer.processing_class.decode(ids, skip_special_tokens=False)))
            told = plain_data(self.game.episode.observation["messages"][before + 1 :])
        self.open = whole and not self.game.episode.done
        if self.open:
            answers = _answer_ids(told, ids, trainer)
            if len(self.mask) + len(answers) < trainer.max_completion_length:
                self._add(answers, 0, [0.0] * len(answers))
            else:
                self.open = False

    def _add(self, ids: list[int], sampled: int, logprobs: list[float] | None) -> None:
        self.ids += ids
        self.mask += [sampled] * len(ids)
        if self.logprobs is not None and logprobs is not None:
            self.logprobs += logprobs[: len(ids)]
        else:
            self.logprobs = None


def _answer_ids(told: list[Json], said: list[int], trainer: Any) -> list[int]:
    """The ids that the template puts between a turn that was sampled and the next: the tools' answers."""
    tokenizer, mark = trainer.processing_class, "the-arguments-end-here"
    function = {"name": told[0]["name"], "arguments": {"mark": mark}}
    call = {"id": told[0]["tool_call_id"], "type": "function", "function": function}
    stand_in = [{"role": "user", "content": "."}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    text = tokenizer.apply_chat_template(
        [*stand_in, *told],
        chat_template=trainer.chat_template,
        add_generation_prompt=True,
        tokenize=False,
        **trainer.chat_template_kwargs,
    )
    _, found, behind = text.partition(mark)[2].partition(tokenizer.eos_token)
    if not found:
        raise InputError(
            f"the chat template does not end a turn with {tokenizer.eos_token!r}, the tokenizer's end token; give the "
            "tokenizer the end token that the template writes"
        )
    ended = bool(said) and said[-1] == tokenizer.eos_token_id
    return _ids(tokenizer(behind if ended else found + behind, add_special_tokens=False)["input_ids"])


def _ids(tokens: Any) -> list[int]:
    return [int(token) for token in tokens]
