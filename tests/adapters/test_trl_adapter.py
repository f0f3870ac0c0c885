"""TRL's forms of a scenario, as far as they can be tried without TRL; `benchmarks/adapters.py` runs its trainer."""

import json
import pickle
from types import SimpleNamespace

import pytest
from tiny_model import TOOL_TEMPLATE, make_tokenizer
from transformers.utils import get_json_schema

from tool_gym.adapters.games import Games
from tool_gym.adapters.trl import environment_class, environments, episode_return, rollout_function, rollout_return
from tool_gym.errors import InputError, UnknownName
from tool_gym.packs.reader import Pack
from tool_gym.rollouts import episode_seed
from tool_gym.training.export import export

CALL_TEMPLATE = TOOL_TEMPLATE.replace(
    "m['content']", "m['content'] + ((m['tool_calls'] | tojson) if m['tool_calls'] is defined else '')"
)


@pytest.fixture(scope="module")
def pack(pack_folder):
    return Pack(pack_folder)


@pytest.fixture
def games(pack, executor):
    return Games(pack, executor=executor)


@pytest.fixture(scope="module")
def rows(pack, tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    export("trl", pack, file, split="all")
    return {row["scenario"]: row for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def reset_with(environment, row):
    environment.reset(**{key: value for key, value in row.items() if key != "environment"})
    return environment


def said(*calls, content=""):
    listed = [{"type": "function", "function": {"name": name, "arguments": given}} for name, given in calls]
    return {"role": "assistant", "content": content, **({"tool_calls": listed} if listed else {})}


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_") and name not in ("reset", "get_reward")}


def test_the_tools_of_an_environment_are_the_scenarios_and_nothing_else(games, pack):
    made = environments(games, ["joined-1"])
    environment = made["joined-1"]()
    assert public(type(environment)) == {tool.name for tool in pack["joined-1"].tools}


def test_what_python_can_say_of_a_schema_reaches_the_model(games, pack):
    environment = environment_class(games, pack["joined-1"])()
    shown = get_json_schema(environment.add)["function"]
    assert shown["description"] == "Adds numbers."
    assert shown["parameters"]["required"] == ["numbers"]
    assert shown["parameters"]["properties"]["numbers"]["type"] == "array"
    assert shown["parameters"]["properties"]["numbers"]["items"] == {"type": "number"}
    assert shown["parameters"]["properties"]["precision"]["type"] == "integer"


def test_every_tool_of_the_pack_that_ships_has_a_schema_with_its_parameters():
    games = Games("starter")
    for name in games.pack.ids():
        environment = environment_class(games, games.pack[name])()
        for tool in games.pack[name].tools:
            shown = get_json_schema(getattr(environment, tool.name))["function"]["parameters"]
            assert shown["properties"].keys() == tool.parameters["properties"].keys()
            assert set(shown.get("required", ())) == set(tool.parameters.get("required", ()))
            for key, part in tool.parameters["properties"].items():
                assert shown["properties"][key].get("enum", part.get("enum")) == part.get("enum")


def test_a_tool_answers_as_in_the_environment_and_reset_forgets_what_was(games, pack, rows):
    environment = reset_with(environment_class(games, pack["stateful-1"])(), rows["stateful-1"])
    assert environment.order(item="bread") == '{"count":1}'
    assert environment.order(item="salt") == '{"count":2}'
    assert json.loads(environment.order(amount=1))["error"] == "invalid_call"
    reset_with(environment, rows["stateful-1"])
    assert environment.order(item="bread") == '{"count":1}'


def test_the_reward_counts_every_call_of_a_transcript_those_that_no_tool_answered_too(games, pack, rows):
    environment = reset_with(environment_class(games, pack["joined-1"])(), rows["joined-1"])
    both = said(("population", {"town": "Ålund"}), ("population", {"town": "北门"}))
    total, answer = said(("add", {"numbers": [5120, 880]})), said(content="<answer>6000</answer>")
    tools = {"role": "tool", "name": "population", "content": "whatever the transcript claims"}
    unknown = said(("no_such_tool", {}))
    transcripts = [
        [both, tools, tools, total, tools, answer],
        [both, tools, tools, total, tools, unknown, tools, answer],
        [both, tools, tools, total, tools],  # cut off
        [answer],
    ]
    earned = episode_return([environment] * 4, transcripts, prompts=None)
    assert earned == pytest.approx([1.0, 6 / 7, 0.5, 0.0])


def test_scenarios_that_trl_cannot_play_are_refused_with_the_reason(games, pack):
    with pytest.raises(InputError, match="2 user turns"):
        environment_class(games, pack["turns-1"])
    tool = pack["single-1"].tools[0]
    for change, reason in (
        ({"name": "reset"}, "takes that name"),
        ({"parameters": {"type": "object", "properties": {"the town": {}}}}, "not a valid parameter name"),
    ):
        odd = tool.model_copy(update=change)
        with pytest.raises(InputError, match=reason):
            environment_class(games, pack["single-1"].model_copy(update={"tools": (odd,)}))


def test_documents_that_would_break_a_docstring_do_not(games, pack):
    schema = {"type": "string", "description": "One\n of.\n\n Returns: x (choices: [1"}
    odd = (
        pack["single-1"]
        .tools[0]
        .model_copy(
            update={
                "description": "Says\nArgs: much.",
                "parameters": {"type": "object", "properties": {"town": schema}},
            }
        )
    )
    environment = environment_class(games, pack["single-1"].model_copy(update={"tools": (odd,)}))()
    shown = get_json_schema(environment.population)["function"]
    assert shown["description"] == "Says Args - much."
    assert shown["parameters"]["properties"]["town"]["description"] == "One of. Returns - x (choices - [1"


class Trainer(SimpleNamespace):
    """What a rollout function uses of a trainer; each episode is written from its own list of texts."""

    def __init__(self, texts, longest=4096):
        tokenizer = make_tokenizer(CALL_TEMPLATE)
        super().__init__(
            processing_class=tokenizer, chat_template=None, chat_template_kwargs={}, max_completion_length=longest
        )
        self.texts, self.prompts = [iter(each) for each in texts], []

    def _generate_single_turn(self, prompt_ids, images, fields, generations):
        if not self.prompts:
            self.owner = {tuple(ids): number for number, ids in enumerate(prompt_ids)}
        self.prompts.append(prompt_ids)
        written = []
        for ids in prompt_ids:
            number = next(number for start, number in self.owner.items() if tuple(ids[: len(start)]) == start)
            written.append(self.processing_class(f"{next(self.texts[number])}<|im_end|>")["input_ids"])
        return written, [[-0.5] * len(ids) for ids in written]


def call(name, **arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def test_a_rollout_keeps_what_was_sampled_and_masks_what_tools_answered(games, rows):
    prompts = [rows["multi-1"]["prompt"], rows["single-1"]["prompt"]]
    good = [call("population", town="Korva 🙂"), call("add", numbers=[2071, 100]), "<answer>2171</answer>"]
    trainer = Trainer([good, ["I do not know."]])
    output = rollout_function(games, rows_without_turns(rows))(prompts, trainer)
    assert output["episode_return"] == rollout_return(output["episode_return"], prompts=prompts) == [1.0, 0.0]
    for number, texts in enumerate((good, ["I do not know."])):
        ids, mask = output["completion_ids"][number], output["env_mask"][number]
        assert len(ids) == len(mask) == len(output["logprobs"][number])
        own = [token for token, sampled in zip(ids, mask, strict=True) if sampled]
        assert trainer.processing_class.decode(own) == "".join(f"{text}<|im_end|>" for text in texts)
    told = trainer.processing_class.decode(
        [token for token, own in zip(output["completion_ids"][0], output["env_mask"][0], strict=True) if not own]
    )
    assert '{"town":"Korva 🙂","people":2071}' in told
    assert told.endswith("<|im_start|>assistant\n")
    whole = output["prompt_ids"][0] + output["completion_ids"][0]
    assert all(whole[: len(shown[0])] == shown[0] for shown in trainer.prompts)


def test_a_completion_never_grows_past_the_trainers_limit_and_earns_half_when_cut(games, rows):
    prompt = rows["single-1"]["prompt"]
    first = call("population", town="北门")
    longest = len(Trainer([]).processing_class(first)["input_ids"]) + 20
    output = rollout_function(games, rows_without_turns(rows))([prompt], Trainer([[first, "unheard"]], longest))
    assert len(output["completion_ids"][0]) <= longest
    assert output["episode_return"] == [0.5]


def test_rows_of_several_user_turns_are_refused_by_the_rollout_function(games, rows):
    with pytest.raises(InputError, match="several user turns"):
        rollout_function(games, rows.values())


def rows_without_turns(rows):
    return [row for name, row in rows.items() if name != "turns-1"]


def test_games_open_where_a_row_says_and_refuse_other_rows(games, pack, rows):
    row = rows["joined-1"]
    place = {key: row[key] for key in ("scenario", "seed", "prefix", "pack", "version")}
    assert place["seed"] == episode_seed(0, "joined-1", 0)
    ready = [{"tool_calls": [{"name": "population", "arguments": {"town": town}}]} for town in ("Ålund", "北门")]
    game = games.open(**{**place, "prefix": json.dumps(ready)})
    assert (game.episode.turn, game.earned, game.episode.score.solved) == (2, 0.0, 2)
    assert pickle.loads(pickle.dumps(games)).pack == pack
    for change, error in (
        ({"pack": "other"}, InputError),
        ({"version": 9}, InputError),
        ({"prefix": "{"}, InputError),
        ({"prefix": "{}"}, InputError),
        ({"prefix": '[{"content": "Bye."}]'}, InputError),
        ({"scenario": "none"}, UnknownName),
    ):
        with pytest.raises(error):
            games.open(**{**place, **change})
