"""Packs from the network: one archive, only when somebody asks for it, and only if it is the one that was meant."""

from __future__ import annotations

import hashlib
import http.client
import re
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tool_gym._version import __version__
from tool_gym.errors import InputError, PackError
from tool_gym.packs.archive import cache_folder, unpacked

MAX_BYTES = 1 << 30
"""Longest archive that is downloaded."""
SILENCE_S = 30.0
"""Seconds that the server may say nothing."""
TIME_LIMIT_S = 1800.0
"""Seconds that a download may take."""
_PIECE = 1 << 20


def fetch_pack(
    url: str,
    sha256: str,
    *,
    max_bytes: int = MAX_BYTES,
    silence_s: float = SILENCE_S,
    time_limit_s: float = TIME_LIMIT_S,
) -> Path:
    """The folder of a pack whose archive lies on the network; what was fetched before is not asked for again.

    Args:
        url: Address of the zip archive, http or https. Redirects are followed, but not from https to http.
        sha256: SHA-256 of the archive, as whoever offers it names it.
        max_bytes: Longest archive that is taken.
        silence_s: Seconds that the server may say nothing.
        time_limit_s: Seconds that the download may take.

    Returns:
        A folder in the user's cache, for `load_pack` and `register_pack`.

    Raises:
        InputError: If the address or the hash is none.
        PackError: If the archive cannot be had, is another one, or holds no pack; nothing is left behind then.
    """
    expected = sha256.lower()
    if not re.fullmatch(r"[0-9a-f]{64}", expected):
        raise InputError(f"sha256={sha256!r}; expected the 64 hexadecimal digits of the archive's SHA-256")
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url}: expected an address that begins with https:// or http://")
    folder = cache_folder() / expected
    if folder.is_dir():
        return folder
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache_folder(), prefix=".fetched-", suffix=".zip") as file:
        try:
            found = _download(url, file, max_bytes, silence_s, time.monotonic() + time_limit_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PackError(
                f"{url}: cannot be downloaded ({error}); is the address right, and the server up?"
            ) from None
        if found != expected:
            raise PackError(
                f"{url}: what lies there has the SHA-256 {found}, expected {expected}; it is not used. Ask whoever "
                "offers it which is right"
            )
        file.flush()
        try:
            return unpacked(file.name)
        except PackError as error:
            raise PackError(f"{url}: what lies there is no pack: {error}") from None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows an address to another one, never to one that is less safe."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type == "https" and scheme != "https"):
            raise PackError(f"{req.full_url}: leads to {newurl}, which is not followed; expected https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, file: IO[bytes], max_bytes: int, silence_s: float, deadline: float) -> str:
    """Writes what lies at an address to a file; returns its SHA-256."""
    opener = urllib.request.build_opener(_Redirects())
    request = urllib.request.Request(url, headers={"User-Agent": f"tool_gym/{__version__}"})
    sha256, size = hashlib.sha256(), 0
    with opener.open(request, timeout=silence_s) as response:
        while piece := response.read1(_PIECE):
            size += len(piece)
            if size > max_bytes or time.monotonic() > deadline:
                limit = f"longer than {max_bytes:,} bytes" if size > max_bytes else "slower than its time limit"
                raise PackError(f"{url}: {limit}; download it by other means, and give the file")
            sha256.update(piece)
            file.write(piece)
    return sha256.hexdigest()
