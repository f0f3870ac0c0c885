"""The kernel layers, alone and together, without the dialect above them."""

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tool_gym.sandbox import landlock, lockdown, seccomp
from tool_gym.sandbox.doctor import ESCAPES, doctor_report
from tool_gym.sandbox.handle import Limits
from tool_gym.sandbox.launcher import Launcher
from tool_gym.sandbox.worker import NICE_AFTER_S

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel layers are Linux's")
sealed = pytest.mark.skipif(
    sys.platform != "linux" or not landlock.version() or platform.machine() not in seccomp.MACHINES,
    reason="this kernel lacks Landlock, or this processor a filter",
)
ENDLESS = ("take memory without end", "compute without end")


def in_child(body: str, *, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )


@sealed
@pytest.mark.parametrize("name", ESCAPES)
def test_the_kernel_layers_alone_contain_an_escape(raw, name):
    result = raw(ESCAPES[name])
    assert result.status != "ok", result
    assert raw("def f():\n return 'fine'").value == "fine"


@linux
@pytest.mark.parametrize("name", [name for name in ESCAPES if name not in ENDLESS])
def test_the_escape_would_succeed_without_them(name, tmp_path):
    source = ESCAPES[name].replace("/tmp/", f"{tmp_path}/").replace("kill(-1, 0)", "kill(os.getpid(), 0)")
    if name == "trace a process":
        source = source.replace("os.getppid()", "child()") + (
            "\nimport time\ndef child():\n pid = os.fork()\n"
            " if pid == 0:\n  os.closerange(0, 3)\n  time.sleep(1)\n return pid"
        )
    result = in_child(source + "\nf()\nprint('escaped')")
    assert result.stdout.strip() == "escaped", result.stderr


@linux
@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_landlock_alone_closes_the_file_system():
    result = in_child(
        """
        import errno
        from tool_gym.sandbox import landlock, lockdown
        lockdown._no_new_privileges()
        landlock.restrict()
        for attempt in (lambda: open('/etc/passwd'), lambda: open('/tmp/tool-gym-escape', 'w')):
            try:
                attempt()
            except OSError as error:
                print(errno.errorcode[error.errno])
        """
    )
    assert result.stdout.split() == ["EACCES", "EACCES"], result.stderr


@linux
@pytest.mark.skipif(platform.machine() not in seccomp.MACHINES, reason="no filter for this processor")
def test_seccomp_alone_leaves_computing_and_nothing_else():
    result = in_child(
        """
        import errno, os, socket, sys
        from tool_gym.sandbox import lockdown, seccomp
        pair = socket.socketpair()
        child = os.fork()
        if child:
            print(pair[1].recv(100).decode())
            os.waitpid(child, 0)
            raise SystemExit
        lockdown._no_new_privileges()
        seccomp.restrict()
        found = [str(sum(range(10**6))), str(len(bytearray(10**7)))]
        others = lambda: os.sched_setaffinity(os.getppid(), {0})
        behind = lambda: os.setpriority(os.PRIO_USER, 0, 19)
        for attempt in (lambda: os.stat('/'), os.fork, lambda: os.kill(1, 0), socket.socket, os.getcwd, others, behind):
            try:
                attempt()
                found.append('done')
            except OSError as error:
                found.append(errno.errorcode[error.errno])
        os.setpriority(os.PRIO_PROCESS, 0, 19)
        pair[0].sendall(' '.join(found).encode())
        os._exit(0)
        """
    )
    assert result.stdout.split() == ["499999500000", "10000000", *["EPERM"] * 7], result.stderr


@linux
@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_a_filter_allows_its_list_and_refuses_all_else(name):
    machine = seccomp.MACHINES[name]
    code = seccomp.allow_list(machine)
    assert verdict(code, machine.audit, 0x40000000 | 1) == "kill"
    assert verdict(code, 0x12345678, 0) == "kill"
    allowed = {number for number in range(600) if verdict(code, machine.audit, number) == "allow"}
    assert allowed == set(machine.calls.values())
    number = machine.calls["mmap"]
    assert verdict(code, machine.audit, number, (0, 0, 3)) == "allow"
    assert verdict(code, machine.audit, number, (0, 0, 7)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["mprotect"], (0, 0, 4)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["setpriority"], (0, 99)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["setpriority"], (2, 0)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["sched_setscheduler"], (0, 5)) == "allow"
    assert verdict(code, machine.audit, machine.calls["sched_setscheduler"], (99, 5)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["sched_setscheduler"], (0, 2)) == "refuse"
    assert verdict(code, machine.audit, machine.calls["sched_setaffinity"], (99,)) == "refuse"


def verdict(code: bytes, audit: int, number: int, arguments: tuple[int, ...] = ()) -> str:
    """What a filter says to a call: the few instructions that it is made of, interpreted."""
    import struct

    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    at, word = 0, 0
    while True:
        kind, yes, no, value = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        if kind == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
        elif kind == 0x15:
            at += yes if word == value else no
        elif kind == 0x35:
            at += yes if word >= value else no
        elif kind == 0x45:
            at += yes if word & value else no
        else:
            assert kind == 0x06
            return {0x7FFF0000: "allow", 0x80000000: "kill", 0x00050000 | errno.EPERM: "refuse"}[value]


@linux
def test_a_sealed_worker_is_nobody_and_has_no_rights(tmp_path):
    launcher = Launcher(Limits())
    try:
        worker = launcher.spawn("x")
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
        if os.geteuid() == 0:
            assert status["Uid"].split() == [str(lockdown.NOBODY)] * 4
            assert status["Gid"].split() == [str(lockdown.NOBODY)] * 4
            assert status["Groups"].split() == []
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Threads"] == "1"
        if worker.missing["seccomp"] is None:
            assert status["Seccomp"] == "2"
        limits = Path(f"/proc/{worker.pid}/limits").read_text() if os.geteuid() == 0 else ""
        for line in limits.splitlines():
            if line.startswith(("Max processes", "Max core file size", "Max file size")):
                assert " 0 " in line
        launcher.end(worker)
    finally:
        launcher.close()


@linux
def test_a_memory_limit_is_the_workers_and_not_ours(raw):
    assert raw("def f():\n return len(bytearray(400 << 20))").status == "limit"
    assert raw("def f():\n return len(bytearray(100 << 20))").value == 100 << 20


OLD_KERNEL = """
import ctypes, json, struct, warnings
from tool_gym.sandbox import lockdown, seccomp
NUMBERS = {"landlock": 444, "seccomp": {"x86_64": 157, "aarch64": 167}[__import__("platform").machine()]}
# A kernel without a layer: its system call answers ENOSYS (for seccomp: prctl with the option that installs a filter).
def without(layer):
    jumps = [(0x20, 0, 0, 0), (0x15, 0, 3, NUMBERS[layer])]
    jumps += [(0x20, 0, 0, 16), (0x15, 0, 1, 22)] if layer == "seccomp" else [(0x15, 0, 1, NUMBERS[layer])] * 2
    code = b"".join(struct.pack("<HBBI", *jump) for jump in [*jumps, (6, 0, 0, 0x00050026), (6, 0, 0, 0x7FFF0000)])
    lockdown._no_new_privileges()
    seccomp.install(code)
from tool_gym.errors import SandboxError
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.doctor import doctor_report
TOOL = dict(name="f", description="", parameters={"type": "object"}, source="def f():\\n return 1")
def outcome(isolation, trusted):
    with warnings.catch_warnings(record=True) as caught, Executor(isolation=isolation) as executor:
        warnings.simplefilter("always")
        try:
            for _ in range(2):
                session = executor.session([TOOL], trusted=trusted)
            said = session.call([ToolCall(name="f")])[0].content
        except SandboxError as error:
            said = "refused " + ("best_effort" if "isolation='best_effort'" in str(error) else "")
        return [said, len(caught), executor.layers]
"""


@sealed
@pytest.mark.parametrize("layer", ["landlock", "seccomp"])
def test_on_a_kernel_without_a_layer_only_trusted_or_best_effort_sessions_run(layer):
    result = in_child(
        OLD_KERNEL
        + f"without({layer!r})\n"
        + "cases = [('auto', False), ('auto', True), ('full', True), ('best_effort', False)]\n"
        + "print(json.dumps([outcome(*case) for case in cases]))\n"
    )
    assert result.returncode == 0, result.stderr
    untrusted, trusted, full, best_effort = json.loads(result.stdout)
    assert untrusted[:2] == full[:2] == ["refused best_effort", 0]
    assert trusted[:2] == ["1", 1]
    assert best_effort[:2] == ["1", 0]
    left = [name for name in ("process", *lockdown.LAYERS, "dialect") if name != layer]
    assert untrusted[2] == trusted[2] == full[2] == best_effort[2] == left


@sealed
def test_the_doctor_finds_a_missing_layer_and_an_open_file_system():
    result = in_child(OLD_KERNEL + "without('seccomp')\nprint(json.dumps(doctor_report()))")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert not report["sealed"]
    assert report["layers"]["seccomp"] is not None
    assert report["escapes"]["read a file"]["contained"]  # Landlock holds alone
    assert not report["escapes"]["make code"]["contained"]


@sealed
def test_the_doctor_finds_this_machine_sealed():
    report = doctor_report()
    assert report["sealed"], report
    assert set(report["escapes"]) == set(ESCAPES)
    assert report["error"] is None


@sealed
def test_a_worker_whose_tool_takes_long_steps_back(raw_pool, raw_work):
    slow = (
        f"import time\ndef f():\n end = time.monotonic() + {3 * NICE_AFTER_S}\n while time.monotonic() < end:\n  pass"
    )
    raw_pool.run([raw_work([slow], domain="slow")])
    worker = raw_pool.acquire("slow")
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) == 19
    assert worker.nice
    raw_pool.release(worker)
    for _ in range(300):
        raw_pool.run([raw_work(["def f():\n return 1"], domain="slow")])
    forgiven = raw_pool.acquire("slow")
    assert os.getpriority(os.PRIO_PROCESS, forgiven.pid) < 19
    raw_pool.release(forgiven)


@sealed
def test_after_a_death_the_workers_of_a_domain_stand_back_until_it_behaves(raw_pool, raw_work):
    def niceness() -> int:
        worker = raw_pool.acquire("deadly")
        raw_pool.release(worker)
        return os.getpriority(os.PRIO_PROCESS, worker.pid)

    assert niceness() < 19
    raw_pool.run([raw_work(["import os\ndef f():\n os._exit(1)"], domain="deadly")])
    assert niceness() == 19
    for _ in range(300):
        raw_pool.run([raw_work(["def f():\n return 1"], domain="deadly")])
    assert niceness() < 19


@sealed
def test_an_interrupt_from_the_terminal_is_not_for_workers(raw_pool, raw):
    raw("def f():\n return 1")
    worker = raw_pool.acquire("raw")
    try:
        os.kill(worker.zygote.pid, signal.SIGINT)
        os.kill(worker.pid, signal.SIGINT)
    finally:
        raw_pool.release(worker)
    assert raw("def f():\n return 2").value == 2
    assert worker.zygote.poll() is None
