"""Rows are found in a sidecar on disk as they are in memory, whatever their keys are."""

import hashlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import PackError
from tool_gym.packs import files, index
from tool_gym.packs.files import FileParts
from tool_gym.packs.index import IndexBuilder, RowIndex, Sidecar, key_hash

SHA256 = hashlib.sha256(b"rows").hexdigest()


def sidecar(folder, rows: RowIndex) -> Sidecar:
    (folder / "rows.idx").write_bytes(rows.dump(1234, SHA256))
    return Sidecar(FileParts(folder, "rows.idx"), 1234, SHA256)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 5000])
def test_every_row_is_found_and_no_other(tmp_path, count):
    builder = IndexBuilder()
    for number in range(count):
        builder.add(f"key-{number}", number * 10, number)
    on_disk = sidecar(tmp_path, builder.build())
    assert all(on_disk.find(f"key-{number}") == (number * 10, number) for number in range(count))
    assert not any(on_disk.find(f"other-{number}") for number in range(200))


@given(st.sets(st.one_of(st.integers(0, 99), st.integers(2**64 - 99, 2**64 - 1), st.integers(0, 2**64 - 1))), st.data())
def test_keys_that_are_spread_unevenly_are_found_as_well(tmp_path_factory, hashes, data):
    keys = sorted(hashes)
    rows = RowIndex(array("Q", keys), array("Q", range(len(keys))), array("I", range(len(keys))))
    on_disk = sidecar(tmp_path_factory.mktemp("uneven"), rows)
    wanted = data.draw(st.sampled_from(keys) if keys else st.integers(0, 9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "key_hash", lambda key: wanted)
        assert on_disk.find("") == rows.find("")


def test_of_rows_with_one_key_the_first_is_found(tmp_path):
    builder = IndexBuilder()
    for start in (70, 10, 40):
        builder.add("same", start, 5)
    assert sidecar(tmp_path, builder.build()).find("same") == (70, 5)


@pytest.mark.parametrize("cut", [10, 56, 60, 64, 75])
def test_a_sidecar_that_is_cut_short_is_refused_and_one_cut_later_finds_nothing(tmp_path, cut):
    builder = IndexBuilder()
    builder.add("a", 1, 2)
    whole = builder.build().dump(1234, SHA256)
    path = tmp_path / "rows.idx"
    path.write_bytes(whole[:cut])
    with pytest.raises(PackError, match="not the sidecar"):
        Sidecar(FileParts(tmp_path, "rows.idx"), 1234, SHA256)
    path.write_bytes(whole)
    open_already = Sidecar(FileParts(tmp_path, "rows.idx"), 1234, SHA256)
    assert open_already.find("a") == (1, 2)
    path.write_bytes(whole[:cut])
    assert open_already.find("a") is None


def test_a_sidecar_that_goes_away_finds_nothing_any_more(tmp_path):
    builder = IndexBuilder()
    builder.add("a", 1, 2)
    open_already = sidecar(tmp_path, builder.build())
    (tmp_path / "rows.idx").unlink()
    files._descriptor.cache_clear()
    assert open_already.find("a") is None


def test_a_sidecar_of_another_file_is_refused(tmp_path):
    builder = IndexBuilder()
    builder.add("a", 1, 2)
    sidecar(tmp_path, builder.build())
    for size, sha256 in ((1235, SHA256), (1234, "0" * 64)):
        with pytest.raises(PackError, match="not the sidecar"):
            Sidecar(FileParts(tmp_path, "rows.idx"), size, sha256)


def test_keys_stand_by_their_hash():
    assert key_hash("a") == int.from_bytes(hashlib.sha256(b"a").digest()[:8], "little")
