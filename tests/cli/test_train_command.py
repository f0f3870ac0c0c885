"""`tool-gym train`: its template, its complaints, and a run from a file to a model."""

import pytest
from typer.testing import CliRunner

from tool_gym.cli import app
from tool_gym.errors import InputError
from tool_gym.training.config import TrainConfig


def test_the_template_shows_every_setting():
    said = CliRunner().invoke(app, ["train", "--template"])
    assert said.exit_code == 0
    assert all(name in said.stdout for name in TrainConfig.model_fields)


def test_without_settings_it_says_how_to_get_some():
    said = CliRunner().invoke(app, ["train"])
    assert isinstance(said.exception, InputError)
    assert "--template" in str(said.exception)


@pytest.mark.slow
def test_a_file_of_settings_becomes_a_model(tmp_path, pack_folder):
    pytest.importorskip("torch")
    from tiny_runs import tiny_config

    settings = tiny_config(tmp_path, pack_folder, iterations=1).model_dump(exclude_none=True, exclude_defaults=True)
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in settings.items()]
    (tmp_path / "train.toml").write_text("\n".join(lines))
    said = CliRunner().invoke(app, ["train", "--config", str(tmp_path / "train.toml")])
    assert said.exit_code == 0, said.output
    assert (tmp_path / "run" / "model" / "config.json").exists()
    assert "Done after" in said.stdout
