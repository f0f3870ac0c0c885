"""What a part is worth: the trained model is played as it is and with parts put back, and ends as it was."""

import json

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
from tiny_model import TOOL_TEMPLATE, save_tiny_model  # noqa: E402

from tool_gym.analysis.cost import costs  # noqa: E402
from tool_gym.cli import app  # noqa: E402
from tool_gym.errors import InputError  # noqa: E402
from tool_gym.models.local import LocalModel  # noqa: E402
from tool_gym.packs.reader import load_pack  # noqa: E402
from tool_gym.policies.policy import FunctionPolicy  # noqa: E402
from tool_gym.policies.scripted import OraclePolicy  # noqa: E402


def test_a_part_costs_what_is_lost_without_it_and_the_model_is_left_as_it_was(tmp_path, pack_folder, executor):
    """The policy plays right only while the layer in the middle has its trained weights."""
    pack = load_pack(str(pack_folder))
    base = save_tiny_model(tmp_path / "base", TOOL_TEMPLATE, layers=3)
    model = LocalModel(save_tiny_model(tmp_path / "trained", TOOL_TEMPLATE, layers=3, seed=1), device="cpu")
    before = {name: each.clone() for name, each in model.model.named_parameters()}
    watched = "model.layers.1.mlp.up_proj.weight"
    oracle = OraclePolicy(pack)

    def act(observation, info):
        trained = torch.equal(dict(model.model.named_parameters())[watched], before[watched])
        return oracle(observation, info) if trained else {"content": "I do not know."}

    found = {each.part: each for each in costs(model, FunctionPolicy(act), base, pack, ["single-1"], executor)}
    assert len(found) == 10
    assert found["none"].solve_f1 == 1.0
    assert {name for name, each in found.items() if each.cost == 1.0} == {"middle", "middle mlp"}
    assert all(each.cost == 0.0 for name, each in found.items() if name not in ("middle", "middle mlp"))
    assert all(torch.equal(each, before[name]) for name, each in model.model.named_parameters())


def test_a_network_without_thirds_is_refused(tmp_path, pack_folder, executor):
    model = LocalModel(save_tiny_model(tmp_path / "two", TOOL_TEMPLATE), device="cpu")
    policy = FunctionPolicy(lambda observation, info: {"content": ""})
    with pytest.raises(InputError, match="at least 3"):
        list(costs(model, policy, tmp_path / "two", load_pack(str(pack_folder)), ["single-1"], executor))


@pytest.mark.slow
def test_the_command_shows_a_row_for_each_part(tmp_path, pack_folder):
    for name, seed in (("base", 0), ("trained", 1)):
        save_tiny_model(tmp_path / name, TOOL_TEMPLATE, context=8192, layers=3, seed=seed)
    said = CliRunner().invoke(
        app,
        ["analyze", str(tmp_path / "base"), str(tmp_path / "trained"), "--ablate", str(pack_folder), "--limit", "1",
         "--split", "all", "--max-turns", "1", "--max-tokens", "4", "--execution", "embedded", "--json"],
    )  # fmt: skip
    assert [row["part"] for row in json.loads(said.stdout)][:4] == ["none", "lower", "lower mlp", "lower attention"]
