"""Settings of a run: every default visible, every mistake named."""

import tomllib

import pytest

from tool_gym.errors import InputError
from tool_gym.training.config import TrainConfig, read_config, template

GIVEN = 'model = "m"\npack = "starter"\nout = "o"\n'


def written(tmp_path, text):
    path = tmp_path / "train.toml"
    path.write_text(text)
    return path


def test_the_template_names_every_key_and_gives_the_defaults(tmp_path):
    text = template()
    assert all(f"{name} =" in text for name in TrainConfig.model_fields)
    assert read_config(written(tmp_path, GIVEN + text)) == read_config(written(tmp_path, GIVEN))
    assert tomllib.loads(text)["keep_solve_rates"] == [0.0, 1.0]


def test_the_defaults_of_the_loss_are_the_papers():
    config = TrainConfig(model="m", pack="p", out="o")
    chosen = (config.clip, config.dual_clip, config.kl, config.entropy, config.learning_rate, config.gradient_clip)
    assert chosen == (0.2, 3.0, 0.001, 0.001, 1e-6, 1.0)
    assert (config.responses, config.temperature, config.collect_temperature) == (16, 0.7, 1.0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GIVEN + "lerning_rate = 1.0", "lerning_rate"),
        (GIVEN + "prompts = 5\nupdates = 2", "multiple"),
        (GIVEN + "responses = 1", "at least 2"),
        (GIVEN + "kl = -1.0", "kl"),
        ("model = ", "no TOML"),
        ('model = "m"', "pack"),
    ],
)
def test_mistakes_are_named(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint):
        read_config(written(tmp_path, text))


def test_a_missing_file_is_named_with_what_writes_one(tmp_path):
    with pytest.raises(InputError, match="--template"):
        read_config(tmp_path / "none.toml")
