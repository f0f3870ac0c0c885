"""What the sandbox can promise on this machine: layers, limits, and a self-test that really tries to break out."""

from __future__ import annotations

import platform
from typing import Any

from tool_gym.errors import SandboxError
from tool_gym.sandbox.handle import CPU_LIMIT_S, Language, Limits
from tool_gym.sandbox.pool import Pool
from tool_gym.sandbox.work import Result, Work

RAW = Language("tool_gym.sandbox.raw", "RawLanguage")
"""Plain Python instead of the dialect: what it cannot do, the kernel layers forbid."""

ESCAPES = {
    "read a file": "def f():\n return open('/etc/passwd').read()",
    "write a file": "def f():\n return open('/tmp/tool-gym-escape', 'w').write('x')",
    "list a folder": "import os\ndef f():\n return os.listdir('/')",
    "open a network socket": "import socket\ndef f():\n return str(socket.socket(socket.AF_INET))",
    "open a local socket": "import socket\ndef f():\n return str(socket.socketpair())",
    "fork": "import os\ndef f():\n pid = os.fork()\n if pid == 0:\n  os._exit(0)\n return pid",
    "run a program": "import os\ndef f():\n return os.posix_spawn('/bin/true', ['true'], {})",
    "signal its parent": "import os\ndef f():\n return os.kill(os.getppid(), 0)",
    "signal all processes": "import os\ndef f():\n return os.kill(-1, 0)",
    "trace a process": (
        "import ctypes, os\n"
        "def f():\n"
        " if ctypes.CDLL(None).ptrace(0x4206, os.getppid(), 0, 0) != 0:\n"
        "  raise OSError('refused')\n"
        " return 'attached'"
    ),
    "make code": "import mmap\ndef f():\n return len(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC))",
    "take memory without end": "def f():\n kept = []\n while True:\n  kept.append(bytearray(1 << 24))",
    "compute without end": "def f():\n while True:\n  pass",
}
"""What a tool must not be able to do, each as plain Python that returns if it can."""


def attempt(pool: Pool, source: str, domain: str = "doctor") -> Result:
    """Runs the function `f` of a source once, on a pool of whatever language."""
    work = Work(domain, {}, None, float("inf"))
    work.sources = [(source, "f", source, {})]
    work.calls = [(source, b"{}", bytes(32))]
    pool.run([work])
    return work.results[0]


def doctor_report() -> dict[str, Any]:
    """Examines this machine; takes about two seconds.

    Returns:
        `platform`, `kernel`, `machine`, `python`: what this is. `sealed`: whether all layers are in force and all
        escapes failed. `layers`: for each kernel layer None, or why it is not in force. `limits`: what a worker may
        use by default. `escapes`: for each attempt, made without the language layer, `contained` and `how`.
        `error`: why no worker starts, or None.
    """
    limits = Limits(call_time_limit_s=0.5)
    report: dict[str, Any] = {
        "platform": platform.platform(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sealed": False,
        "layers": {},
        "limits": {
            "call_time_limit_s": Limits().call_time_limit_s,
            "memory_limit_mb": limits.memory_limit_mb,
            "cpu_limit_s": CPU_LIMIT_S,
        },
        "escapes": {},
        "error": None,
    }
    pool = Pool(limits, workers=1, language=RAW)
    try:
        report["layers"] = pool.all_layers()
        for name, source in ESCAPES.items():
            result = attempt(pool, source)
            report["escapes"][name] = {
                "contained": result.status != "ok",
                "how": f"{result.status}: {result.text}"[:200],
            }
    except SandboxError as error:
        report["error"] = str(error)
    finally:
        pool.close()
    contained = all(escape["contained"] for escape in report["escapes"].values())
    present = all(reason is None for reason in report["layers"].values())
    report["sealed"] = contained and present and report["error"] is None
    return report
