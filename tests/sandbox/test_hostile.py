"""Hostile tools through the executor, as root and as an ordinary user, and with the language layer switched off."""

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from tool_gym.sandbox.doctor import attempt
from tool_gym.sandbox.lockdown import NOBODY

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "benchmarks" / "hostile.py"
SIBLINGS = Path(__file__).with_name("hostile_siblings.jsonl")
REAL = ROOT.parent / "shared" / "data" / "hostile_dev.jsonl"
real = pytest.mark.skipif(not REAL.is_file(), reason="the real hostile tools are not beside this checkout")

CASES = {
    "import-builtins": ("def f():\n    return __import__('os').getpid()", ["reject", "error"]),
    "subclasses": ("def f():\n    return [].__class__.__base__.__subclasses__()", ["reject"]),
    "read-file": ("def f():\n    return open('/etc/shadow').read()", ["reject", "error"]),
    "os-through-module": ("import json\ndef f():\n    return json.decoder.re.sys.modules", ["reject", "error"]),
    "frames": ("def f():\n    return (i for i in []).gi_frame.f_back", ["reject", "error"]),
    "loop": ("def f():\n    while 1: pass", ["timeout"]),
    "swallowed-timeout": (
        "def f():\n    while 1:\n        try:\n            while 1: pass\n        except:\n            pass",
        ["timeout"],
    ),
    "long-match": ("import re\ndef f():\n    return re.match('(a+)+$', 'a' * 40 + 'b')", ["timeout", "crash", "limit"]),
    "bomb": ("def f():\n    x = ['x' * 1000]\n    while 1: x = x + x", ["limit", "timeout"]),
    "recursion": ("def f():\n    return f()", ["limit", "error", "timeout"]),
    "exit": ("def f():\n    raise SystemExit", ["error"]),
    "unknown-tool": ("def f():\n    return 1", ["unknown"]),
    "object": ("def f():\n    return f", ["badresult"]),
    "fine": ("def f():\n    return {'a': [1, 'é']}", ['ok:{"a":[1,"é"]}']),
    "same": ("import random\ndef f():\n    return [random.random(), list({'a', 'b', 'c'})]", ["same"]),
}


AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
users = pytest.mark.parametrize("prefix", [[], AS_NOBODY], ids=["as-we-are", "as-nobody"])
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}
# Starts itself once more: what started with our rights may be out of reach without them.
PROBE = "import subprocess, sys, tool_gym.sandbox.pool; subprocess.run([sys.executable, '-c', ''], check=True)"


@functools.cache
def interpreter_for_nobody() -> str | None:
    """An interpreter of this version that an ordinary user may run, or None."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/local/bin/{version}", f"/usr/bin/{version}"):
        if Path(candidate).exists():
            command = [*AS_NOBODY, candidate, "-c", PROBE]
            if subprocess.run(command, cwd="/", env=ENVIRONMENT, capture_output=True).returncode == 0:
                return candidate
    return None


def play(path: Path, prefix: list[str], execution: str) -> dict:
    """The report of the runner."""
    interpreter = interpreter_for_nobody() if prefix else sys.executable
    if interpreter is None:
        pytest.skip("needs root, setpriv, and an interpreter that others may run")
    command = [*prefix, interpreter, str(RUNNER), str(path), "--execution", execution, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd="/", env=ENVIRONMENT)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


@users
@pytest.mark.parametrize("execution", ["isolated", "embedded"])
def test_hostile_tools_have_accepted_outcomes_and_harm_no_other(prefix, execution):
    lines = []
    for name, (code, expect) in CASES.items():
        call = {"name": "g" if name == "unknown-tool" else "f", "args": {}}
        lines.append(json.dumps({"id": name, "class": "own", "code": code, "call": call, "expect": expect}))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "hostile.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        report = play(path, prefix, execution)
    assert [row for row in report["rows"] if not row["accepted"]] == []
    assert report["cases"] == len(CASES)


@pytest.mark.slow
@users
@pytest.mark.parametrize("execution", ["isolated", "embedded"])
def test_siblings_of_the_real_hostile_tools_have_accepted_outcomes(prefix, execution):
    with tempfile.TemporaryDirectory() as folder:  # where others may read
        Path(folder).chmod(0o755)
        path = Path(shutil.copy(SIBLINGS, folder))
        report = play(path, prefix, execution)
    assert [row for row in report["rows"] if not row["accepted"]] == []
    assert report["cases"] >= 76


@real
@pytest.mark.slow
@users
def test_the_real_hostile_tools_have_accepted_outcomes(prefix):
    report = play(REAL, prefix, "isolated")
    assert [row for row in report["rows"] if not row["accepted"]] == []
    assert report["cases"] == 76


@real
@pytest.mark.slow
def test_the_real_hostile_tools_harm_nobody_even_as_plain_python(raw_pool):
    for line in REAL.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        arguments = ", ".join(f"{name}={value!r}" for name, value in case["call"]["args"].items())
        source = case["code"] + f"\n_real = f\ndef f():\n    return _real({arguments})\n"
        result = attempt(raw_pool, source, case["id"])
        assert "root:" not in result.text
        assert attempt(raw_pool, "def f():\n return 'fine'", "harmless").value == "fine"
    assert not list(Path("/").glob("canary*"))
