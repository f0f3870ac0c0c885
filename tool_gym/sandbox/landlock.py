"""Landlock: a process that gives up files, and on newer kernels network ports, signals and abstract sockets."""

from __future__ import annotations

import ctypes
import os
import struct

# One number on every processor, as for all system calls since 2019.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_VERSION = 1
# Rights over files by version of the interface: each version knows those of the ones before.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_NETWORK_RIGHTS = {4: 0b11}
_SCOPES = {6: 0b11}


def version() -> int:
    """The kernel's version of the interface, 0 where it has none."""
    return max(0, _libc_call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def restrict() -> None:
    """Takes every right that the kernel can take from this thread and all that it starts, and allows nothing.

    Needs no_new_privs; cannot be undone.

    Raises:
        OSError: If the kernel has no Landlock, or refuses.
    """
    known = version()
    if not known:
        raise OSError(ctypes.get_errno(), "this kernel has no Landlock (Linux 5.13 has it, where it is switched on)")
    files = (1 << max(bits for since, bits in _FILE_RIGHTS.items() if since <= known)) - 1
    network = max((mask for since, mask in _NETWORK_RIGHTS.items() if since <= known), default=0)
    scopes = max((mask for since, mask in _SCOPES.items() if since <= known), default=0)
    # Older kernels take the shorter structure only: trailing zeros are fine, unknown sizes with bits in them are not.
    attributes = struct.pack("<QQQ", files, network, scopes)
    ruleset = _libc_call(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset failed")
    try:
        if _libc_call(_RESTRICT_SELF, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self failed")
    finally:
        os.close(ruleset)


def _libc_call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return int(libc.syscall(ctypes.c_long(number), *wide))
