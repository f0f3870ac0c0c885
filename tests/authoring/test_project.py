import re
import sys
from pathlib import Path

import pytest

from tool_gym.authoring import build_pack
from tool_gym.authoring.project import built_folder, new_pack
from tool_gym.errors import InputError
from tool_gym.packs.discovery import discover


def test_the_pack_that_is_laid_out_builds_as_it_stands(tmp_path, executor):
    new_pack(tmp_path / "green-house")
    out = built_folder(tmp_path / "green-house")
    assert out == tmp_path / "green-house" / "green_house" / "pack"
    pack = build_pack(tmp_path / "green-house", out, executor=executor)
    assert pack.name == "green-house"
    assert {pack[name].structure for name in pack} == {"single_hop", "parallel_single_hop", "multi_hop"}
    assert pack.verify() == []


def test_a_bare_folder_has_the_sources_only(tmp_path, executor):
    made = {str(path.relative_to(tmp_path / "small")) for path in new_pack(tmp_path / "small", bare=True)}
    assert made == {"README.md", "pack.toml", "scenarios.toml", "tables/plants.json", "test_tools.py", "tools.py"}
    assert built_folder(tmp_path / "small") == tmp_path / "small" / "built"


def test_no_blank_of_the_template_is_left_open(tmp_path):
    for path in new_pack(tmp_path / "small"):
        assert not re.search(r"\$\w", path.read_text(encoding="utf-8")), path


def test_the_entry_point_of_a_project_leads_to_the_built_pack_without_running_its_code(tmp_path, executor, monkeypatch):
    project = tmp_path / "green-house"
    new_pack(project)
    build_pack(project, built_folder(project), executor=executor)
    (project / "green_house" / "__init__.py").write_text("raise RuntimeError('run')\n")
    name, value = re.findall(r'^([\w-]+) = "(\w+:\w+)"$', (project / "pyproject.toml").read_text(), re.MULTILINE)[0]
    monkeypatch.setattr("tool_gym.packs.discovery._entry_points", lambda: ((name, value),))
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    found = discover().packs["green-house-v0"]
    assert found.path == project / "green_house" / "pack"


@pytest.mark.parametrize("name", ["Upper", "with space", "under_score", "7days", "-x", "x" * 101])
def test_a_name_that_cannot_be_a_packs_is_refused_and_nothing_is_made(tmp_path, name):
    with pytest.raises(InputError, match="cannot be a pack's name; expected"):
        new_pack(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="exists already"):
        new_pack(tmp_path / "mine")
    assert [path.name for path in Path(tmp_path).rglob("*")] == ["mine", "letter.txt"]
