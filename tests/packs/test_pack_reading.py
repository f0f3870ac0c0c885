"""What a `Pack` promises: lazy, checked reading of a folder that nobody vouches for."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_pack import MULTI, SCENARIOS, SINGLE, TABLES

import tool_gym.packs.reader
from tool_gym.errors import PackError, UnknownName
from tool_gym.packs.files import INDEXES
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Scenario

FILES = ("pack.json", "scenarios.jsonl", "tools.jsonl", "tables.jsonl", "ids.txt", *INDEXES.values())


@pytest.fixture
def folder(pack_folder, tmp_path) -> Path:
    """A pack that a test may break."""
    return Path(shutil.copytree(pack_folder, tmp_path / "small"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def read_all(pack: Pack) -> list[Scenario]:
    list(pack.tables.values())
    return [pack[name] for name in pack]


def test_a_pack_answers_like_a_mapping_of_ids_to_scenarios(pack_folder):
    pack = load_pack(pack_folder)
    assert (pack.name, pack.version, len(pack)) == ("small", 0, 6)
    assert list(pack) == [scenario.id for scenario in SCENARIOS]
    assert "multi-1" in pack
    assert "multi-2" not in pack
    assert 7 not in pack
    assert pack["multi-1"] == MULTI
    assert read_all(pack) == list(SCENARIOS)
    assert pack.truths() == ("invented",)


def test_ids_come_by_split_and_an_unknown_split_names_the_known_ones(pack_folder):
    pack = load_pack(pack_folder)
    assert pack.ids() == pack.ids(None) == tuple(pack)
    assert pack.ids("test") == ("multi-1", "joined-1")
    assert pack.split_of("joined-1") == "test"
    with pytest.raises(UnknownName, match="no split is called 'tset'; did you mean 'test'"):
        pack.ids("tset")
    with pytest.raises(UnknownName, match="no scenario is called 'mult-1'; did you mean 'multi-1'"):
        pack.split_of("mult-1")
    with pytest.raises(UnknownName, match="no scenario is called 'mult-1'"):
        pack["mult-1"]


def test_tables_are_read_when_asked_for_and_an_unknown_one_is_a_key_error(pack_folder):
    tables = load_pack(pack_folder).tables
    assert len(tables) == 1
    assert dict(tables) == TABLES
    with pytest.raises(KeyError):
        tables["0" * 64]


def test_opening_a_pack_reads_nothing_but_its_manifest(folder):
    for name in FILES[1:]:
        (folder / name).unlink()
    assert len(Pack(folder)) == 6


def test_a_pack_survives_pickling_and_a_change_of_directory(pack_folder, monkeypatch):
    monkeypatch.chdir(pack_folder.parent)
    data = pickle.dumps(load_pack("./small"))
    monkeypatch.chdir("/")
    pack = pickle.loads(data)
    assert pack == load_pack(pack_folder)
    assert pack["multi-1"] == MULTI


def test_the_digest_changes_with_the_content(pack_folder, tmp_path):
    pack = load_pack(pack_folder)
    other = write_pack(tmp_path / "other", name="small", scenarios=SCENARIOS[:5], tables=TABLES)
    assert pack.digest == load_pack(pack_folder).digest != other.digest
    assert pack != other


def test_a_read_only_folder_is_read(folder):
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path == folder else 0o444)
    assert Pack(folder)["multi-1"] == MULTI
    folder.chmod(0o755)


@pytest.mark.parametrize("spoil", ["absent", "garbage", "short", "of another file"])
def test_without_a_usable_sidecar_the_pack_reads_the_same(folder, spoil):
    for name in INDEXES.values():
        path = folder / name
        match spoil:
            case "absent":
                path.unlink()
            case "garbage":
                path.write_bytes(b"\xff" * 999)
            case "short":
                path.write_bytes(path.read_bytes()[:-4])
            case "of another file":
                path.write_bytes((folder / "scenarios.idx").read_bytes())
    assert read_all(Pack(folder)) == list(SCENARIOS)


def test_rows_that_were_moved_by_hand_are_found_although_the_sidecar_has_the_old_places(folder):
    path = folder / "scenarios.jsonl"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(rows)))
    pack = Pack(folder)
    assert read_all(pack) == list(SCENARIOS)
    assert any("scenarios.jsonl: its SHA-256" in problem for problem in pack.verify())


def test_a_broken_row_is_told_with_its_file_and_line_and_the_next_step(folder):
    edit(folder / "scenarios.jsonl", '"id":"multi-1"', '"id":"multi-1","colour":"red"')
    with pytest.raises(PackError, match=r"scenarios.jsonl, line 3: colour: .*run: tool-gym validate") as caught:
        Pack(folder)["multi-1"]
    assert str(folder) in str(caught.value)
    assert any("scenarios.jsonl, line 3: colour" in problem for problem in Pack(folder).verify())


def test_a_tool_that_was_changed_behind_its_hash_is_refused(folder):
    edit(folder / "tools.jsonl", "Adds numbers.", "Adds nothing.")
    with pytest.raises(PackError, match=r"tools.jsonl, line 3: the content has the hash"):
        Pack(folder)["multi-1"]


def test_a_table_that_was_changed_behind_its_hash_is_refused(folder):
    edit(folder / "tables.jsonl", "5120", "5121")
    with pytest.raises(PackError, match=r"tables.jsonl, line 1: the content has the hash"):
        Pack(folder).tables[next(iter(TABLES))]


def test_a_tool_that_is_missing_is_told(folder):
    (folder / "tools.jsonl").write_bytes(b"")
    with pytest.raises(PackError, match=r"tools.jsonl: no row has the sha256"):
        Pack(folder)["multi-1"]


def test_a_table_that_is_missing_is_told(folder):
    (folder / "tables.jsonl").write_bytes(b"")
    with pytest.raises(PackError, match=r"tools.jsonl, line 1: the table 'places' .* is missing"):
        Pack(folder)["single-1"]
    assert any("reads the table" in problem for problem in Pack(folder).verify())


def test_a_scenario_that_only_the_list_of_ids_knows_is_told(folder):
    with (folder / "ids.txt").open("a") as file:
        file.write("ghost-1 train\n")
    pack = Pack(folder)
    with pytest.raises(PackError, match=r"scenarios.jsonl: no row has the id 'ghost-1'"):
        pack["ghost-1"]
    assert any("ids.txt, line 7: says ghost-1 train" in problem for problem in pack.verify())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Bad_Id train", "line 7: 'Bad_Id train'"),
        ("no-split", "line 7"),
        ("a b c", "line 7"),
    ],
)
def test_a_broken_list_of_ids_is_told_with_its_line(folder, line, text):
    with (folder / "ids.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(PackError, match=text):
        list(Pack(folder))


def test_an_id_that_comes_twice_is_told_by_the_check_and_may_be_read(folder):
    with (folder / "ids.txt").open("a") as file:
        file.write("multi-1 test\n")
    pack = Pack(folder)
    assert pack[pack.ids("test")[-1]].id == "multi-1"
    assert any("twice" in problem for problem in pack.verify())


def test_ids_are_a_sequence_equal_to_a_tuple_of_them(folder):
    pack = Pack(folder)
    names = tuple(json.loads(line)["id"] for line in (folder / "scenarios.jsonl").read_text().splitlines())
    ids = pack.ids()
    assert (ids, hash(ids), len(ids)) == (names, hash(names), len(names))
    assert (ids[1:], ids[-1], ids[::-1]) == (names[1:], names[-1], names[::-1])
    assert (names[0] in ids, "nobody" in ids, ids == names[1:], ids != names) == (True, False, False, False)
    assert pickle.loads(pickle.dumps(ids)) == names
    assert names[0] in repr(ids)
    with pytest.raises(IndexError):
        ids[len(names)]


def test_a_pack_may_have_splits_without_scenarios_and_no_scenario_at_all(folder):
    edit(folder / "pack.json", '"splits": {', '"splits": {"empty": 0,')
    assert len(Pack(folder).ids("empty")) == 0
    (folder / "ids.txt").write_text("")
    pack = Pack(folder)
    assert (len(pack.ids()), len(pack.ids("test")), "multi-1" in pack) == (0, 0, True)
    with pytest.raises(UnknownName, match="multi-1"):
        pack.split_of("multi-1")


def test_a_pack_of_another_format_or_of_a_newer_package_is_refused_with_the_remedy(folder):
    edit(folder / "pack.json", '"format": 1', '"format": 2, "unheard_of": true')
    with pytest.raises(PackError, match=r"pack.json: the pack is of format 2, .* reads format 1; run: pip install -U"):
        Pack(folder)
    edit(folder / "pack.json", '"format": 2, "unheard_of": true', '"format": 1')
    edit(folder / "pack.json", ">=0.1", ">=99.1.2")
    with pytest.raises(PackError, match=r"needs tool-gym >=99.1.2"):
        Pack(folder)


def test_what_is_no_pack_is_told(tmp_path):
    with pytest.raises(PackError, match="no such folder"):
        Pack(tmp_path / "nothing")
    with pytest.raises(PackError, match=r"holds no pack.json"):
        Pack(tmp_path)
    (tmp_path / "pack.json").write_text("[1")
    with pytest.raises(PackError, match=r"pack.json: not JSON"):
        Pack(tmp_path)


def test_a_file_that_is_a_link_out_of_the_folder_is_not_followed(folder, tmp_path):
    secret = tmp_path / "secret.jsonl"
    shutil.move(folder / "scenarios.jsonl", secret)
    (folder / "scenarios.jsonl").symlink_to(secret)
    with pytest.raises(PackError, match="leads out of the pack's folder"):
        Pack(folder)["multi-1"]
    assert any("leads out" in problem for problem in Pack(folder).verify())


def test_a_pack_whose_folder_is_a_link_is_read(pack_folder, tmp_path):
    (tmp_path / "link").symlink_to(pack_folder)
    assert Pack(tmp_path / "link")["multi-1"] == MULTI


def test_a_named_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder):
    (folder / "tools.jsonl").unlink()
    os.mkfifo(folder / "tools.jsonl")
    with pytest.raises(PackError, match="not a regular file"):
        Pack(folder)["multi-1"]
    assert Pack(folder).verify()


def test_the_manifest_cannot_make_the_reader_open_other_files(folder):
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["sha256"]["../../etc/passwd"] = "0" * 64
    (folder / "pack.json").write_text(json.dumps(manifest))
    assert Pack(folder).verify() == [f"{folder}/pack.json: sha256 names '../../etc/passwd', which is no file of a pack"]


def test_wrong_counts_splits_and_truths_are_told(folder):
    manifest = json.loads((folder / "pack.json").read_text())
    manifest |= {"counts": {"scenarios": 7, "tools": 7, "tables": 1}, "splits": {"train": 6}, "truths": {"claimed": 6}}
    (folder / "pack.json").write_text(json.dumps(manifest))
    problems = "\n".join(Pack(folder).verify())
    for what in ("counts", "splits", "truths"):
        assert f"{what} are" in problems


def test_a_scenario_that_comes_twice_is_told(folder):
    with (folder / "scenarios.jsonl").open("a+") as file:
        file.seek(0)
        file.write(file.readline())
    assert any("line 7: the id 'single-1' comes twice" in problem for problem in Pack(folder).verify())


def test_the_problems_told_are_bounded(folder):
    (folder / "scenarios.jsonl").write_text("{}\n" * 500)
    problems = Pack(folder).verify()
    assert len(problems) == 21
    assert problems[-1].startswith("and ")


def test_a_row_longer_than_the_limit_is_refused(folder, monkeypatch):
    monkeypatch.setattr("tool_gym.packs.rowfile.MAX_ROW_BYTES", 100)
    with pytest.raises(PackError, match="longer than 100 bytes"):
        Pack(folder)["multi-1"]


def test_a_pack_is_trusted_only_inside_the_distribution_and_whole(folder, monkeypatch):
    assert not Pack(folder).trusted
    monkeypatch.setattr(tool_gym.packs.reader, "shipped_folders", lambda: (folder.parent.resolve(),))
    assert Pack(folder).trusted
    edit(folder / "tools.jsonl", "Adds numbers.", "Adds nothing.")
    assert not Pack(folder).trusted


def mutilate(data: bytes, draw) -> bytes:
    how = draw(st.sampled_from(["cut", "flip", "insert", "replace", "double"]))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    match how:
        case "cut":
            return data[:at]
        case "flip":
            return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :] if data else b"x"
        case "insert":
            piece = st.sampled_from([b"\n", b'"', b"{", b"[" * 2000, b"\xff", b"9" * 400, b"1e999", b"\\ud800", b"\0"])
            return data[:at] + draw(piece) + data[at:]
        case "replace":
            return draw(st.binary(max_size=200))
        case _:
            return data + data


@settings(max_examples=300)
@given(data=st.data())
def test_whatever_happens_to_its_files_a_pack_gives_a_pack_error_or_a_problem_and_nothing_else(
    data, pack_folder, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("broken") / "small"
    shutil.copytree(pack_folder, folder)
    name = data.draw(st.sampled_from(FILES))
    before = (folder / name).read_bytes()
    after = mutilate(before, data.draw)
    (folder / name).write_bytes(after)
    try:
        pack = Pack(folder)
    except PackError:
        return
    if name != "pack.json" and after != before:
        assert pack.verify()
    else:
        pack.verify()
    for scenario in SCENARIOS:
        try:
            read = pack[scenario.id]
            pack.split_of(scenario.id)
            pack.ids("train")
            list(pack.tables.values())
        except (PackError, UnknownName):
            continue
        if name in INDEXES.values():
            assert read == scenario


def test_a_single_scenario_reads_no_other(folder):
    edit(folder / "scenarios.jsonl", '"id":"parallel-1"', '"id":"parallel-1","colour":"red"')
    assert Pack(folder)[SINGLE.id] == SINGLE
