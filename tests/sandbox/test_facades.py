import json

import pytest
from tool_play import RUNTIME, check, play, samples, value

from tool_gym.jsonvalue import encode
from tool_gym.sandbox import facades
from tool_gym.sandbox.facades import SHARED


@pytest.mark.parametrize(("name", "source"), samples("modules.txt").items())
def test_modules_behave_as_pythons(name, source):
    namespace: dict = {}
    exec(source, namespace)
    assert value(source) == json.loads(encode(namespace["f"]())), name


@pytest.mark.parametrize("module", [module.__name__ for module in SHARED])
def test_a_facade_offers_no_way_to_a_real_module(module):
    top = module.split(".")[0]
    for expression in (
        f"{module}.sys",
        f"{module}.os",
        f"{module}.__name__",
        f"{module}.__loader__",
        f"{module}._title.x",
    ):
        assert play(f"import {module}\ndef f(): return {expression}").status == "tool_error"
    assert check(f"import {module} as m\nfrom {module} import sys\ndef f(): pass") is not None
    assert value(f"import {module}\ndef f(): return repr({top})") == f"<module '{top}'>"


def test_every_name_that_is_offered_is_there_or_newer_than_this_python():
    missing = {
        f"{module.__name__}.{name}"
        for module, names in SHARED.items()
        for name in names.split()
        if not hasattr(module, name)
    }
    assert missing <= {"itertools.batched"}


def test_no_shared_value_is_a_module_or_a_mutable_container():
    for module, names in SHARED.items():
        for name in names.split():
            shared = getattr(module, name, None)
            assert not isinstance(shared, (list, dict, set, type(facades))), f"{module.__name__}.{name}"


def test_a_foreign_module_is_missed_when_the_import_runs():
    outcome = play("def f():\n  import subprocess\n  return subprocess.run(['id'])")
    assert outcome.payload == b"the module 'subprocess' is not part of the tool dialect"
    assert value("def f():\n  try: import numpy_is_not_there\n  except ImportError: return 'none'") == "none"


def test_encodings_are_at_hand():
    source = (
        "def f(): return ['é'.encode(name).hex() for name in ('latin-1', 'utf-16-le', 'cp1252', 'idna', 'utf-8-sig')]"
    )
    assert value(source) == ["e9", "e900", "e9", "786e2d2d396361", "efbbbfc3a9"]


def test_decimals_start_each_call_with_the_default_precision():
    source = (
        "from decimal import Decimal, getcontext\ngetcontext().prec = 5\ndef f(n):\n  if n: getcontext().prec = n\n"
    )
    source += "  return str(Decimal(1) / 3)"
    assert value(source, n=3) == "0.333"
    assert value(source, n=0) == "0.33333"
    assert value("from decimal import Decimal\ndef f(): return str(Decimal(1) / 3)") == "0." + "3" * 28


def test_the_clock_is_asked_through_any_road():
    source = "from datetime import date, datetime, timezone\nclass D(datetime): pass\ndef f():\n  now = datetime.now\n"
    source += (
        "  days = {now().date(), datetime.today().date(), date.today(), D.now().date(), getattr(date, 'today')(),\n"
    )
    source += "          datetime.now(timezone.utc).date(), now().today().date()}\n"
    source += "  return [len(days), type(D.now()).__name__, datetime.now(timezone.utc).tzinfo is timezone.utc]"
    assert value(source) == [1, "D", True]
    assert value("import time, datetime\ndef f(): return time.gmtime(time.time()).tm_year") in (2025, 2026)
    assert RUNTIME.steps() == 1


@pytest.mark.parametrize(
    "expression",
    [
        "datetime.datetime(2024, 1, 1).strftime('%s')",
        "datetime.datetime.strftime(datetime.datetime(2024, 1, 1), '%Y %-s')",
        "time.strftime('%s')",
    ],
)
def test_the_machines_time_zone_is_not_asked_by_strftime(expression):
    assert play(f"import datetime, time\ndef f(): return {expression}").status == "tool_error"


def test_strftime_writes_all_other_directives_as_python_does():
    source = "import datetime as d, time\ndef f():\n  t = d.datetime(2024, 2, 3, 4, 5)\n  return [t.strftime('%Y %%s'),"
    source += " t.date().strftime('%d'), d.time(4).strftime('%H'), time.strftime('%Y', time.gmtime(0)),"
    source += " list(map(d.date.strftime, [t], ['%m'])), t.strftime(format='%M')]"
    assert value(source) == ["2024 %s", "03", "04", "1970", ["02"], "05"]
