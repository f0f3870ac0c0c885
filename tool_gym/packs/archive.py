"""Packs as one file: a zip archive that holds a pack's folder, or its files at the top.

Only the files of a pack are taken out, under their own names, so no entry can lead anywhere else; what an archive says
about its sizes is not believed.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tool_gym.errors import PackError
from tool_gym.packs.files import ERRATA, IDS, INDEXES, MANIFEST, README, ROW_FILES, open_inside

_FILES = frozenset({MANIFEST, IDS, README, ERRATA, *ROW_FILES, *INDEXES.values()})
MAX_UNPACKED_BYTES = 4 << 30
"""Most bytes that are taken out of an archive."""
MAX_RATIO = 200
"""Most bytes that come out of each byte of an archive; packs of text reach some dozens."""
_PIECE = 1 << 20


def unpacked(archive: str | Path) -> Path:
    """The folder of an archive's pack, taken out once for each content into the user's cache.

    Raises:
        PackError: If the file is no archive of a pack; nothing is left behind then.
    """
    path = Path(archive)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        target = cache_folder() / sha256
        if not target.is_dir():
            _unpack(path, target)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise PackError(f"{path}: no zip archive that can be read ({error}); expected one with a pack in it") from None
    return target


def archived(folder: Path) -> bytes:
    """An archive of a pack's folder; the same files give the same bytes.

    Raises:
        PackError: If a file cannot be read, or is a link that leads out of the folder.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(_FILES):
            if (folder / name).exists():
                entry = zipfile.ZipInfo(name)  # without a date
                entry.compress_type = zipfile.ZIP_DEFLATED
                with open_inside(folder, name) as source, archive.open(entry, "w", force_zip64=True) as out:
                    shutil.copyfileobj(source, out, _PIECE)
    return target.getvalue()


def cache_folder() -> Path:
    """Where packs are unpacked to, each into a folder named by its archive's SHA-256; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tool_gym" / "packs"


def _unpack(path: Path, target: Path) -> None:
    """Takes a pack's files out; the folder appears when they are all there."""
    with zipfile.ZipFile(path) as archive:
        entries = _entries(path, archive)
        left = min(MAX_UNPACKED_BYTES, MAX_RATIO * path.stat().st_size)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
            folder = Path(part) / "pack"
            folder.mkdir()
            for name, entry in entries.items():
                with archive.open(entry) as source, (folder / name).open("xb") as out:
                    while piece := source.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise PackError(f"{path}: unpacks to more than a pack of its size can hold; not unpacked")
                        out.write(piece)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # another process was not faster
                    raise


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries that are a pack's files, by name."""
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        inner = PurePosixPath(entry.filename)
        if inner.name not in _FILES or len(inner.parts) > 2 or inner.parts[0] in ("..", "/") or "\\" in entry.filename:
            raise PackError(
                f"{path}: holds {entry.filename!r}, which is no file of a pack; zip the pack's folder alone"
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PackError(f"{path}: {entry.filename!r} is a link; expected a file")
        if inner.name in found:
            raise PackError(f"{path}: holds {inner.name} twice")
        found[inner.name] = entry
        folders.add(inner.parent)
    if MANIFEST not in found or len(folders) > 1:
        raise PackError(f"{path}: holds no pack: expected {MANIFEST} and its other files, all in one folder")
    return found
