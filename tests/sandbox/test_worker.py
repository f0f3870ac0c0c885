"""What becomes of calls when their worker dies, hangs, or lies; its tools are plain Python, so that it really can."""

import os

import pytest

from tool_gym.sandbox.doctor import attempt

FINE = "def f():\n return 'fine'"
DIES = "import os\ndef f():\n os._exit(1)"
SEGFAULTS = "import ctypes\ndef f():\n ctypes.string_at(0)"
HANGS = "def f():\n while True:\n  pass"
EATS = "def f():\n kept = []\n while True:\n  kept.append(bytearray(1 << 24))"
# Finds the socket to the parent among the worker's objects.
HIJACK = """import gc, os, socket, struct, time
def find(kind):
    return [thing for thing in gc.get_objects() if type(thing) is kind][0]
def header(index=0, flags=1, took=0.0, length=0, state=0):
    return struct.pack('<BBfII', index, flags, took, length, state)
def f():
    connection = find(socket.socket)
"""
LIES = {
    "garbage": "connection.sendall(b'\\xff' * 1000)",
    "a huge length": "connection.sendall(header(length=2**31))",
    "text instead of JSON": "connection.sendall(header(length=4) + b'nope')",
    "text that is not UTF-8": "connection.sendall(header(length=4) + b'\"\\xff\\xff\"')",
    "deep nesting": "connection.sendall(header(length=200000) + b'[' * 100000 + b']' * 100000)",
    "a little too deep nesting": "connection.sendall(header(length=600) + b'[' * 300 + b']' * 300)",
    "a number beyond all": "connection.sendall(header(length=5) + b'1e999')",
    "a lone surrogate": "connection.sendall(header(length=28) + b'[\"\\\\ud800\",1234567890123456789]')",
    "a broken state": "connection.sendall(header(flags=3, length=1, state=4) + b'1nope')",
    "more replies than calls": "connection.sendall((header(length=1) + b'1') * 3)",
    "a flood": "\n    while True:\n        connection.sendall((header(length=1) + b'1') * 1000)",
    "half a header and an end": "connection.sendall(header()[:5]); os._exit(0)",
    "half a header and silence": "connection.sendall(header()[:5])\n    while True:\n        pass",
    "a byte now and then": (
        "\n    for byte in header(length=1000):\n        connection.sendall(bytes([byte]))\n"
        "        for _ in range(10**6):\n            pass\n    while True:\n        pass"
    ),
    "an early end": "connection.close()",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_worker_that_lies_is_replaced_and_its_call_answers_a_failure(raw, lie):
    result = raw(HIJACK + "    " + LIES[lie])
    assert result.status in ("crashed", "timeout"), result
    assert raw(FINE).text == '"fine"'


@pytest.mark.parametrize(
    ("source", "status"), [(DIES, "crashed"), (SEGFAULTS, "crashed"), (HANGS, "timeout"), (EATS, "limit")]
)
def test_a_call_that_takes_its_worker_down_has_a_status_and_the_next_call_works(raw, source, status):
    result = raw(source)
    assert result.status == status
    assert not result.deterministic
    assert result.text
    assert raw(FINE).text == '"fine"'


@pytest.mark.parametrize("killer", [DIES, HANGS], ids=["dies", "hangs"])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_death_in_the_middle_of_a_session_loses_only_the_culprit(raw_pool, raw_work, killer, place):
    sources = [f"def f():\n return {n}" for n in range(7)]
    sources[place] = killer
    work = raw_work(sources)
    raw_pool.run([work])
    for n, result in enumerate(work.results):
        assert (result.status, result.value) == (("ok", n) if n != place else (result.status, None))
    assert work.results[place].status == ("crashed" if killer == DIES else "timeout")


def test_death_in_the_middle_of_a_batch_loses_only_the_culprits(raw_pool, raw_work):
    works = [raw_work([f"def f():\n return {n}" if n % 10 else DIES]) for n in range(40)]
    raw_pool.run(works)
    for n, work in enumerate(works):
        assert work.results[0].status == ("ok" if n % 10 else "crashed")
        assert work.results[0].value == (n if n % 10 else None)


def test_several_killers_in_one_session_each_have_their_own_status(raw_pool, raw_work):
    work = raw_work([FINE, DIES, FINE, HANGS, EATS, FINE])
    raw_pool.run([work])
    assert [result.status for result in work.results] == ["ok", "crashed", "ok", "timeout", "limit", "ok"]


def test_hanging_calls_of_a_session_spend_one_budget_together(raw_pool, raw_work):
    work, other = raw_work([HANGS] * 6, budget_s=0.5), raw_work([FINE])
    raw_pool.run([work, other])
    assert [result.status for result in work.results] == ["timeout"] * 6
    made = [result for result in work.results if "not made" not in result.text]
    assert 1 <= len(made) <= 2  # 0.3 s each, and a grace
    assert other.results[0].value == "fine"


def test_a_session_without_time_makes_no_call(raw_pool, raw_work):
    work = raw_work([FINE] * 3, budget_s=0.0)
    raw_pool.run([work])
    assert ["not made" in result.text for result in work.results] == [True] * 3


def test_a_worker_that_says_it_has_begun_other_calls_than_it_has_is_not_believed(raw_pool, raw_work):
    forged = HIJACK + "    find(memoryview)[0] = 2**60\n    os._exit(0)"
    work = raw_work([FINE, forged, FINE])
    raw_pool.run([work])
    assert [result.status for result in work.results].count("crashed") == 1
    assert len(work.results) == 3


def test_a_worker_that_dies_before_any_call_is_given_up_in_the_end(raw_pool, raw_work):
    kill_next = HIJACK + "    find(memoryview)[0] = 0\n    os._exit(0)"
    work = raw_work([kill_next])
    raw_pool.run([work])
    assert work.results[0].status == "crashed"


def test_large_results_of_many_calls_arrive_whole(raw_pool, raw_work):
    works = [raw_work([f"def f():\n return '{n}' * {size}"]) for n, size in enumerate([900_000, 1, 70_000] * 6)]
    raw_pool.run(works)
    for n, (work, size) in enumerate(zip(works, [900_000, 1, 70_000] * 6, strict=True)):
        assert work.results[0].value == str(n) * size


def test_large_arguments_of_many_calls_arrive_whole(raw_pool):
    from tool_gym.sandbox.work import Work

    source = "def f(text):\n return len(text)"
    works = []
    for n in range(20):
        work = Work("raw", {}, None, 60.0)
        work.sources, work.calls = [(source, "f", source, {})], [(source, b'{"text":"%b"}' % (b"x" * 100_000 * n), b"")]
        works.append(work)
    raw_pool.run(works)
    assert [work.results[0].value for work in works] == [100_000 * n for n in range(20)]


def test_two_domains_never_share_a_process_and_one_domain_keeps_its_own(raw_pool):
    pid = "import os\ndef f():\n return os.getpid()"
    ours = {attempt(raw_pool, pid, "ours").value for _ in range(3)}
    theirs = {attempt(raw_pool, pid, "theirs").value for _ in range(3)}
    assert len(ours) == len(theirs) == 1
    assert ours.isdisjoint(theirs)
    assert os.getpid() not in ours | theirs


def test_a_worker_holds_no_descriptor_but_the_standard_ones_and_its_socket(raw):
    source = (
        "import os, socket, gc\ndef f():\n"
        " mine = [s for s in gc.get_objects() if type(s) is socket.socket][0].fileno()\n"
        " found = []\n"
        " for descriptor in range(3, 64):\n"
        "  if descriptor == mine: continue\n"
        "  try:\n"
        "   os.close(descriptor)\n"
        "   found.append(descriptor)\n"
        "  except OSError: pass\n"
        " return found"
    )
    assert raw(source).value == []


def test_a_worker_knows_nothing_of_its_parents_environment(raw, monkeypatch):
    result = raw("import os\ndef f():\n return sorted(os.environ)")
    assert set(result.value) <= {"PYTHONHASHSEED", "TZ", "LD_LIBRARY_PATH", "LC_CTYPE", "DYLD_LIBRARY_PATH"}


def test_a_worker_has_not_run_the_package_nor_its_heavy_parts(raw):
    heavy = ("gymnasium", "pydantic", "numpy", "tool_gym.messages", "tool_gym.sandbox.executor")
    result = raw(f"import sys\ndef f():\n return [name for name in {heavy} if name in sys.modules]")
    assert result.value == []
