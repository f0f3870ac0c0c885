"""Processes, descriptors and memory over an executor's life, its parent's forks, and its parent's end."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tool_gym.errors import SandboxError
from tool_gym.messages import ToolCall
from tool_gym.sandbox import launcher, pool
from tool_gym.sandbox.doctor import attempt
from tool_gym.sandbox.executor import Executor, default_executor
from tool_gym.sandbox.handle import Language, Limits
from tool_gym.sandbox.launcher import Launcher
from tool_gym.sandbox.processor import Stay
from tool_gym.sandbox.worker import NICE
from tool_gym.scenario import Tool

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts processes in /proc")

ADD = Tool(name="add", description="", parameters={"type": "object"}, source="def add(a):\n    return a + 1\n")
LOOPS = Tool(
    name="loops", description="", parameters={"type": "object"}, source="def loops():\n    while True:\n        pass\n"
)
DIES = "import os\ndef f():\n os._exit(1)"
PID = "import os\ndef f():\n return os.getpid()"


def add(a: int) -> ToolCall:
    return ToolCall(name="add", arguments={"a": a})


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def processes(parent: int) -> dict[int, str]:
    """The state of each child of a process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found[int(folder.name)] = fields[0]
    return found


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def zygote_of(executor: Executor) -> int:
    return int(executor._backend._launcher._zygote.pid)  # type: ignore[attr-defined,union-attr]


def test_closing_ends_all_processes_and_descriptors_and_may_be_repeated():
    before = descriptors()
    executor = Executor(workers=2)
    sessions = [executor.session([ADD], domain=str(n)) for n in range(4)]
    assert [message.value for message in executor.call([(session, add(1)) for session in sessions])] == [2] * 4
    zygote = zygote_of(executor)
    workers = processes(zygote)
    assert len(workers) == 4
    executor.close()
    executor.close()
    assert within(5, lambda: all(map(gone, [zygote, *workers])))
    assert descriptors() == before
    with pytest.raises(SandboxError, match="closed"):
        sessions[0].call([add(1)])


def test_an_executor_that_was_never_used_starts_nothing():
    before = processes(os.getpid())
    with Executor():
        assert processes(os.getpid()) == before


def test_an_executor_that_nobody_holds_ends_its_processes():
    executor = Executor()
    session = executor.session([ADD])
    zygote = zygote_of(executor)
    del executor
    assert session.call([add(1)])[0].value == 2  # the session holds it
    del session
    gc.collect()
    assert within(5, lambda: gone(zygote))


def test_an_interpreter_ends_without_a_word_and_leaves_nothing():
    code = """
        import os, sys
        sys.path.insert(0, {root!r})
        from tool_gym.messages import ToolCall
        from tool_gym.sandbox.executor import Executor, default_executor
        tool = dict(name="f", description="", parameters={{"type": "object"}}, source="def f():\\n    return 7\\n")
        kept = [Executor(), default_executor(), default_executor("embedded")]
        for executor in kept:
            assert executor.session([tool]).call([ToolCall(name="f")])[0].value == 7
        print(*(executor._backend._launcher._zygote.pid for executor in kept[:2]))
    """
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", textwrap.dedent(code).format(root=str(ROOT))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0
    assert result.stderr == ""
    assert within(5, lambda: all(gone(int(pid)) for pid in result.stdout.split()))


def test_a_parent_that_is_killed_takes_everything_with_it():
    code = """
        import sys, time
        sys.path.insert(0, {root!r})
        from tool_gym.sandbox.doctor import RAW
        from tool_gym.sandbox.handle import Limits
        from tool_gym.sandbox.pool import Pool
        pool = Pool(Limits(), 2, RAW)
        worker = pool.acquire("x")
        print(worker.zygote.pid, worker.pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code).format(root=str(ROOT))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    assert within(5, lambda: all(map(gone, pids)))


def test_a_zygote_that_is_killed_is_replaced_without_loss():
    with Executor() as executor:
        session = executor.session([ADD])
        for n in range(2):
            assert session.call([add(n)])[0].value == n + 1
            zygote = zygote_of(executor)
            workers = list(processes(zygote))
            os.kill(zygote, signal.SIGKILL)
            assert within(5, lambda pids=workers: all(map(gone, pids)))
        assert session.call([add(9)])[0].value == 10


def test_a_worker_that_is_killed_while_idle_is_replaced_without_loss():
    with Executor(workers=1) as executor:
        session = executor.session([ADD])
        for n in range(3):
            assert session.call([add(n)])[0].value == n + 1
            for pid in processes(zygote_of(executor)):
                os.kill(pid, signal.SIGKILL)


def test_dead_workers_leave_no_zombie_and_no_descriptor(raw_pool):
    attempt(raw_pool, PID)
    attempt(raw_pool, DIES)
    before = descriptors()
    for _ in range(30):
        assert attempt(raw_pool, DIES).status == "crashed"
    zygote = raw_pool.acquire("zombies")
    raw_pool.release(zygote)
    assert within(5, lambda: "Z" not in processes(zygote.zygote.pid).values())
    assert descriptors() <= before + 4  # one more worker lives


def test_a_worker_that_dies_while_nobody_looks_leaves_no_zombie():
    with Executor(workers=1) as executor:
        executor.session([ADD]).call([add(1)])
        zygote = zygote_of(executor)
        (pid,) = processes(zygote)
        os.kill(pid, signal.SIGKILL)
        assert within(5, lambda: not processes(zygote))


def test_the_longest_idle_worker_makes_room_for_a_new_domain():
    with Executor(workers=1) as executor:
        sessions = [executor.session([ADD], domain=str(n)) for n in range(40)]
        for n, session in enumerate(sessions):
            assert session.call([add(n)])[0].value == n + 1
        zygote = zygote_of(executor)
        assert within(5, lambda: len(processes(zygote)) <= 15)
        assert [message.value for message in executor.call([(s, add(0)) for s in sessions])] == [1] * 40


def test_batches_of_many_domains_from_many_threads_do_not_wait_in_a_ring(monkeypatch):
    monkeypatch.setattr(pool, "_SPARE_WORKERS", 1)
    with Executor(workers=1) as executor:
        found = []

        def play(start: int) -> None:
            sessions = [executor.session([ADD], domain=str((start + n) % 6)) for n in range(6)]
            for _ in range(10):
                answers = executor.call([(session, add(n)) for n, session in enumerate(sessions)])
                found.append([message.value for message in answers])

        threads = [threading.Thread(target=play, args=(n,), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == [[1, 2, 3, 4, 5, 6]] * 40


def test_an_interrupted_call_leaves_an_executor_that_works():
    with Executor(call_time_limit_s=30.0) as executor:
        session = executor.session([ADD])
        session.call([add(1)])
        worker = executor._backend.acquire(session.domain)  # type: ignore[attr-defined]
        os.kill(worker.pid, signal.SIGSTOP)  # it will not answer
        executor._backend.release(worker)  # type: ignore[attr-defined]

        def interrupt(number, frame):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                session.call([add(1)])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert gone(worker.pid) or within(5, lambda: gone(worker.pid))
        assert session.call([add(2)])[0].value == 3


def test_an_interrupt_reaches_the_caller_of_an_embedded_tool():
    with Executor("embedded") as executor:
        session = executor.session([LOOPS, ADD])

        def interrupt(number, frame):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            with pytest.raises(KeyboardInterrupt):
                session.call([ToolCall(name="loops")])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert session.call([add(2)])[0].value == 3


@pytest.mark.parametrize("kind", ["ALRM", "VTALRM"])
def test_embedded_tools_leave_an_alarm_of_the_callers_alone(kind):
    number, timer = getattr(signal, f"SIG{kind}"), signal.ITIMER_REAL if kind == "ALRM" else signal.ITIMER_VIRTUAL
    heard = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        with Executor("embedded") as executor:
            session = executor.session([ADD])
            signal.setitimer(timer, 0.05)
            assert session.call([add(2)])[0].value == 3
            end = time.monotonic() + 5
            while not heard and time.monotonic() < end:
                pass
            assert heard == [number]
    finally:
        signal.signal(number, before)


def test_embedded_tools_stop_ticking_when_nobody_calls_any():
    with Executor("embedded") as executor:
        executor.session([ADD]).call([add(1)])
        assert signal.getitimer(signal.ITIMER_VIRTUAL) != (0.0, 0.0)
        end = time.monotonic() + 5
        while signal.getitimer(signal.ITIMER_VIRTUAL) != (0.0, 0.0) and time.monotonic() < end:
            pass
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_closing_an_embedded_executor_gives_the_signal_back():
    with Executor("embedded") as executor:
        executor.session([ADD]).call([add(1)])
        assert signal.getsignal(signal.SIGVTALRM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


@pytest.mark.parametrize("execution", ["isolated", "embedded"])
def test_a_forked_child_and_its_parent_go_on_side_by_side(execution):
    with Executor(execution) as executor:
        session = executor.session([ADD])
        assert session.call([add(1)])[0].value == 2
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        children = [context.Process(target=_play, args=(queue, session)) for _ in range(3)]
        for child in children:
            child.start()
        for n in range(50):
            assert session.call([add(n)])[0].value == n + 1
        assert [queue.get() for _ in children] == [[n + 1 for n in range(50)]] * 3
        for child in children:
            child.join(10)
            assert child.exitcode == 0
        assert session.call([add(7)])[0].value == 8


def _play(queue, session):
    queue.put([session.call([add(n)])[0].value for n in range(50)])


def test_a_child_that_was_forked_during_a_call_is_not_stuck():
    with Executor() as executor:
        session = executor.session([LOOPS, ADD])
        thread = threading.Thread(target=lambda: session.call([ToolCall(name="loops")]))
        thread.start()
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        child = context.Process(target=_play, args=(queue, session))
        child.start()
        assert queue.get() == [n + 1 for n in range(50)]
        child.join(10)
        assert child.exitcode == 0
        thread.join()


def test_a_forked_childs_end_leaves_the_parents_processes_alone():
    with Executor() as executor:
        session = executor.session([ADD])
        session.call([add(1)])
        zygote = zygote_of(executor)
        workers = set(processes(zygote))
        child = os.fork()
        if child == 0:
            executor.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert session.call([add(1)])[0].value == 2
        assert set(processes(zygote)) == workers


def _spawned(executor, results):
    session = executor.session([ADD])
    results.put([session.call([add(n)])[0].value for n in range(5)])
    executor.close()


def test_an_executor_goes_to_a_spawned_child_as_its_arguments():
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    with Executor(workers=1) as executor:
        child = context.Process(target=_spawned, args=(executor, results))
        child.start()
        assert results.get() == [1, 2, 3, 4, 5]
        child.join(20)
        assert child.exitcode == 0


def test_a_worker_that_knows_too_much_is_replaced():
    with Executor(workers=1) as executor:
        session = executor.session([ADD])
        session.call([add(1)])
        worker = executor._backend.acquire(session.domain)  # type: ignore[attr-defined]
        worker.learn("much", 100 << 20)
        executor._backend.release(worker)  # type: ignore[attr-defined]
        assert within(5, lambda: gone(worker.pid))
        assert session.call([add(1)])[0].value == 2


def test_a_worker_that_ends_before_it_is_sealed_is_an_error_that_says_so(monkeypatch):
    def ended(connection):
        raise EOFError

    monkeypatch.setattr(launcher, "_read_greeting", ended)
    starting = Launcher(Limits())
    try:
        with pytest.raises(SandboxError, match="ended while it was being sealed"):
            starting.spawn("x")
        assert within(5, lambda: not processes(starting._zygote.pid))  # type: ignore[union-attr]
    finally:
        starting.close()


def test_a_zygote_that_cannot_import_is_an_error_that_shows_what_it_said():
    starting = Launcher(Limits(), Language("no_such_module", "Nothing"))
    with pytest.raises(SandboxError, match=r"does not start: (.|\n)*ModuleNotFoundError"):
        starting.spawn("x")


def test_an_interpreter_that_does_not_start_is_named(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Executor() as executor, pytest.raises(SandboxError, match="/bin/false"):
        executor.session([ADD])


CHAINS = ("filter(None, it)", "map(abs, it)", "enumerate(it)", "slice(it)")


@pytest.mark.parametrize("link", CHAINS)
def test_a_long_chain_of_iterators_kills_no_worker(link):
    source = f"def f(size):\n    it = iter([1])\n    for _ in range(size):\n        it = {link}\n    return size\n"
    tool = Tool(name="f", description="", parameters={"type": "object"}, source=source)
    with Executor(workers=1) as executor:
        (message,) = executor.session([tool]).call([ToolCall(name="f", arguments={"size": 200_000})])
        assert (message.status, message.value) == ("ok", 200_000)


def test_a_worker_whose_call_ran_out_of_something_stands_back():
    bomb = Tool(
        name="bomb", description="", parameters={"type": "object"},
        source="def bomb():\n    rows = []\n    while True:\n        rows.append('x' * 1_000_000 + str(len(rows)))\n",
    )  # fmt: skip
    for tool in (LOOPS, bomb):
        with Executor(workers=1) as executor:
            session = executor.session([tool, ADD])
            session.call([add(1)])
            (pid,) = processes(zygote_of(executor))
            assert os.getpriority(os.PRIO_PROCESS, pid) < NICE
            assert session.call([ToolCall(name=tool.name), add(1)])[1].value == 2
            assert os.getpriority(os.PRIO_PROCESS, pid) == NICE
            assert os.sched_getscheduler(pid) == os.SCHED_IDLE
            here = os.sched_getaffinity(0)
            assert len(os.sched_getaffinity(pid)) == -(-len(here) // 2)


def test_a_domain_that_misbehaves_is_left_with_half_of_its_workers():
    with Executor(workers=4) as executor:
        session = executor.session([ADD])
        stock = executor._backend
        for worker in [stock.acquire(session.domain) for _ in range(4)]:  # type: ignore[attr-defined]
            worker.nice = True
            stock.release(worker)  # type: ignore[attr-defined]
        assert within(5, lambda: len(processes(zygote_of(executor))) == 2)
        found = [stock.try_acquire(session.domain) for _ in range(3)]  # type: ignore[attr-defined]
        assert [worker is not None for worker in found] == [True, True, False]


def test_workers_share_their_parents_session_so_that_standing_back_counts_beside_it():
    with Executor(workers=1) as executor:
        executor.session([ADD]).call([add(1)])
        zygote = zygote_of(executor)
        assert os.getsid(zygote) == os.getsid(0)
        assert os.getpgid(zygote) == zygote  # keys in the terminal do not reach it


def test_a_caller_that_stayed_on_its_processor_may_roam_again():
    before = os.sched_getaffinity(0)
    stay = Stay()
    stay.begin(min(before))
    assert os.sched_getaffinity(0) == {min(before)}
    stay.end()
    stay.end()
    assert os.sched_getaffinity(0) == before


def resident_kb(pid: int | str = "self") -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4


def _endure(raw_pool, calls: int) -> None:
    from tool_gym.sandbox.work import Work

    fine = "def f():\n return 'x' * 100"
    sources = [fine] * 99 + [DIES]
    rounds = calls // 100
    for n in range(rounds):
        works = []
        for part in range(10):
            work = Work("endure", {}, None, 60.0)
            chosen = sources[part * 10 : part * 10 + 10]
            work.sources = [(source, "f", source, {}) for source in chosen]
            work.calls = [(source, b"{}", bytes(32)) for source in chosen]
            works.append(work)
        raw_pool.run(works)
        statuses = [result.status for work in works for result in work.results]
        assert statuses == ["ok"] * 99 + ["crashed"], n


@pytest.mark.parametrize("calls", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_killers_among_many_calls_leave_no_process_descriptor_or_memory(raw_pool, calls):
    _endure(raw_pool, 500)
    gc.collect()
    open_before, kb_before = descriptors(), resident_kb()
    worker = raw_pool.acquire("endure")
    raw_pool.release(worker)
    zygote, zygote_kb = worker.zygote, resident_kb(worker.zygote.pid)
    _endure(raw_pool, calls)
    gc.collect()
    assert zygote.poll() is None
    assert within(10, lambda: "Z" not in processes(zygote.pid).values())
    assert descriptors() <= open_before + 4
    assert resident_kb() - kb_before < 4096
    assert resident_kb(zygote.pid) - zygote_kb < 2048


def test_the_default_executor_is_shared_by_threads():
    found = []
    threads = [threading.Thread(target=lambda: found.append(default_executor())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
