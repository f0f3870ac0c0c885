"""Packs are found through entry points, TOOL_GYM_PACKS and registration, and no code of theirs is run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_pack import MULTI, SCENARIOS, TABLES

from tool_gym.errors import PackError, UnknownName
from tool_gym.packs import discovery
from tool_gym.packs.discovery import add_pack, installed_packs, problems, shipped_folders
from tool_gym.packs.ids import read_ids
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch):
    """No pack is known but those that a test offers."""
    monkeypatch.setattr(discovery, "_added", {})
    monkeypatch.setattr(discovery, "_entry_points", lambda: ())
    monkeypatch.delenv("TOOL_GYM_PACKS", raising=False)


def make(folder: Path, name: str, version: int = 0, count: int = 6) -> Path:
    write_pack(folder, name=name, version=version, scenarios=SCENARIOS[:count], tables=TABLES)
    return folder


def offer(monkeypatch, *folders: Path) -> None:
    monkeypatch.setenv("TOOL_GYM_PACKS", os.pathsep.join(map(str, folders)))


def test_the_variable_names_packs_and_folders_of_packs(tmp_path, monkeypatch):
    make(tmp_path / "many" / "b", "second")
    make(tmp_path / "many" / "c", "third")
    offer(monkeypatch, make(tmp_path / "a", "first"), tmp_path / "many")
    assert [source.key for source in installed_packs().values()] == ["first-v0", "second-v0", "third-v0"]
    assert problems() == ()
    assert load_pack("third")["multi-1"] == MULTI


def test_a_name_alone_is_the_newest_version_and_a_version_can_be_named(tmp_path, monkeypatch):
    offer(monkeypatch, *(make(tmp_path / str(number), "towns", number) for number in (2, 10, 3)))
    assert load_pack("towns").version == 10
    assert load_pack("towns-v3").version == 3
    with pytest.raises(UnknownName, match=r"no pack is called 'towns-v4'; did you mean .*tool-gym packs"):
        load_pack("towns-v4")


def test_a_broken_pack_costs_the_others_nothing_and_is_told(tmp_path, monkeypatch):
    broken = make(tmp_path / "broken", "broken")
    (broken / "pack.json").write_text('{"format": 7}')
    offer(monkeypatch, broken, tmp_path / "absent", make(tmp_path / "whole", "whole"))
    assert list(installed_packs()) == ["whole-v0"]
    told = "\n".join(problems())
    assert "of format 7" in told
    assert f"{tmp_path / 'absent'}: no such folder" in told


def test_of_two_packs_with_one_name_and_version_the_first_stays_and_the_other_is_told(tmp_path, monkeypatch):
    first, copy, other = tmp_path / "first", tmp_path / "copy", make(tmp_path / "other", "towns", count=3)
    shutil.copytree(make(first, "towns"), copy)
    offer(monkeypatch, first, copy, other)
    assert installed_packs()["towns-v0"].path == first
    assert len(problems()) == 1
    assert f"{other}: its name and version towns-v0 are those of {first}" in problems()[0]


def test_a_registered_pack_is_found_and_to_register_it_again_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "towns", "towns")
    sources = [add_pack("towns"), add_pack(tmp_path / "towns")]
    assert sources[0] == sources[1] == installed_packs()["towns-v0"]
    assert sources[0].ids() == [scenario.id for scenario in SCENARIOS]
    assert load_pack("towns").path == tmp_path / "towns"
    assert load_pack(sources[0].reference).path == tmp_path / "towns"
    with pytest.raises(PackError, match="towns-v0 is known already, with other content"):
        add_pack(make(tmp_path / "other", "towns", count=2))
    assert problems() == ()


def test_a_text_with_a_slash_is_a_folder_and_a_bare_word_is_a_name_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "towns", "folder-of-the-same-name")
    assert load_pack("towns").name == "folder-of-the-same-name"
    offer(monkeypatch, make(tmp_path / "elsewhere", "towns"))
    assert load_pack("towns").name == "towns"
    assert load_pack("./towns").name == "folder-of-the-same-name"
    with pytest.raises(PackError, match="no such folder"):
        load_pack("./nothing")


def test_entry_points_are_followed_and_no_code_of_the_distribution_runs(tmp_path):
    site = tmp_path / "site"
    for package in ("towns_data", "towns_data/inner"):
        (site / package).mkdir(parents=True)
        (site / package / "__init__.py").write_text("raise SystemExit('code of a pack ran')\n")
    make(site / "towns_data" / "packs" / "one", "one")
    make(site / "towns_data" / "packs" / "two", "two")
    make(site / "towns_data" / "inner" / "three", "three")
    info = site / "towns-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: towns\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tool_gym.packs]\ntowns = towns_data:packs\nthree = towns_data.inner\nlost = no_such_package_here\n"
    )
    code = (
        "from tool_gym.packs.discovery import installed_packs, problems\n"
        "print(*[f'{s.key} {s.origin}' for s in installed_packs().values() if 'towns_data' in str(s.path)], sep='|')\n"
        "print(*problems())"
    )
    paths = os.pathsep.join([str(site), *sys.path])
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert result.returncode == 0, result.stderr
    found, told = result.stdout.splitlines()
    assert found.split("|") == ["three-v0 entry point three", "one-v0 entry point towns", "two-v0 entry point towns"]
    assert "entry point lost: the package 'no_such_package_here' is not installed" in told


def test_the_shipped_folders_hold_this_package():
    assert Path(discovery.__file__).parents[1].resolve() in shipped_folders()


def test_reading_ids_reads_no_scenario(tmp_path):
    folder = make(tmp_path / "towns", "towns")
    (folder / "scenarios.jsonl").unlink()
    assert read_ids(folder) == {scenario.id: scenario.split for scenario in SCENARIOS}
