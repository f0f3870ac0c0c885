"""`tool-gym analyze`: the table, its JSON, and what it says of a folder without a model."""

import json

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

from tool_gym.cli import app  # noqa: E402
from tool_gym.errors import InputError  # noqa: E402


def test_analyze_prints_a_row_for_each_place_and_one_for_all(tmp_path):
    for name, value in (("base", 1.0), ("trained", 1.5)):
        folder = tmp_path / name
        folder.mkdir()
        save_file(
            {"model.layers.0.mlp.up_proj.weight": torch.full((2, 2), value)}, tmp_path / name / "model.safetensors"
        )
    said = CliRunner().invoke(app, ["analyze", str(tmp_path / "base"), str(tmp_path / "trained"), "--json"])
    rows = json.loads(said.stdout)
    assert [(row["layer"], row["module"], float(row["relative_change"])) for row in rows] == [
        (0, "mlp", 0.5),
        ("all", "", 0.5),
    ]


def test_analyze_says_what_a_folder_without_a_model_lacks(tmp_path):
    said = CliRunner().invoke(app, ["analyze", str(tmp_path), str(tmp_path)])
    assert isinstance(said.exception, InputError)
    assert "save_pretrained" in str(said.exception)
