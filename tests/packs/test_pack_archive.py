"""Packs as one file: made, and unpacked by several processes at once."""

import shutil
from hashlib import sha256

from tool_gym.packs import archive
from tool_gym.packs.archive import archived, unpacked


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_archive_of_a_pack_is_the_pack_again_and_has_the_same_bytes_each_time(pack_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = shutil.copytree(pack_folder, tmp_path / "copy")
    (copy / "other.txt").write_text("no file of a pack")
    file = tmp_path / "pack.zip"
    file.write_bytes(archived(pack_folder))
    assert file.read_bytes() == archived(copy)
    assert content(unpacked(file)) == content(pack_folder)


def test_a_pack_that_another_process_has_unpacked_meanwhile_is_taken_as_it_is(pack_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "pack.zip"
    file.write_bytes(archived(pack_folder))
    target = archive.cache_folder() / sha256(file.read_bytes()).hexdigest()
    entries = archive._entries

    def while_another_is_faster(path, opened):
        shutil.copytree(pack_folder, target)
        return entries(path, opened)

    monkeypatch.setattr(archive, "_entries", while_another_is_faster)
    assert unpacked(file) == target
    assert content(target) == content(pack_folder)
    assert list(target.parent.iterdir()) == [target]
