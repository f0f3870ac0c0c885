"""Each rule of verification is held by a test: dropping it, in a copy of the package, makes one fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Mutant(NamedTuple):
    """A rule that is dropped: the module, its text with the rule, and without; the test file that must notice."""

    rule: str
    module: str
    text: str
    without: str
    tests: str


MUTANTS = [
    Mutant("never from a failure", "matching", 'result.status != "ok" or ', "", "matching"),
    Mutant("never handed in", "matching", "return not self._held(call.arguments) or", "return True or", "matching"),
    Mutant("echo_ok", "matching", "if self._expected.echo_ok:", "if False:", "matching"),
    Mutant("the reference call's", "matching", "and self._held(self._reference))", "and False)", "matching"),
    Mutant("a reference needs a path", "matching", "(self._path is not None and self._held", "(self._held", "matching"),
    Mutant(
        "its own call needs a path",
        "matching",
        "self._path is not None and call.arguments ==",
        "call.arguments ==",
        "matching",
    ),
    Mutant(
        "at its path",
        "matching",
        "        if self._path is None:\n            return",
        "        if True:\n            return",
        "matching",
    ),
    Mutant("to the letter, of its type", "matching", "type(at_path) is type(expected) and type", "type", "matching"),
    Mutant("normal form", "targets", "return normal_text(value) == self.text", "return value == self.text", "matching"),
    Mutant("whole tokens", "targets", "find_token(text, self.text)\n", "text.find(self.text)\n", "matching"),
    Mutant("no bool is a number", "targets", " and not isinstance(value, bool)", "", "matching"),
    Mutant("its own unit", "targets", "quantity[1] in self.units and ", "", "matching"),
    Mutant("its own unit in a text", "targets", "(not self.unit or quantity.unit in self.units) and ", "", "answer"),
    Mutant("one reading of a date", "targets", "len(readings) == 1 and self", "len(readings) and self", "matching"),
    Mutant(
        "either reading handed in", "targets", "for reading in readings\n", "for reading in readings[:1]\n", "matching"
    ),
    Mutant("only a bool is a bool", "targets", "return value is self.value", "return value == self.value", "matching"),
    Mutant("no flag among many", "targets", "return self.equal(result)", "return super().found(result)", "matching"),
    Mutant("both sides said", "targets", " and said.isdisjoint(other)", "", "answer"),
    Mutant("a list's length", "targets", " or len(value) != len(self.elements)", "", "matching"),
    Mutant("a list in any order", "targets", "return None not in pair(options)", "return False", "matching"),
    Mutant("alternatives", "targets", "(expected.value, *expected.alternatives)", "(expected.value,)", "matching"),
    Mutant("007 is a name", "targets", 'and (text[0] != "0" or text[1:2] in ("", "."))', "", "matching"),
    Mutant("flags hand nothing in", "targets", "isinstance(part, (BoolTarget, NullTarget))", "False", "matching"),
    Mutant("one argument, any order", "pieces", "needed.issubset(line) or ", "", "pieces"),
    Mutant("without spaces", "pieces", ' or "".join(line) == squeezed', "", "matching"),
    Mutant("several in a row", "pieces", "return _in_a_row(", "return bool() and _in_a_row(", "matching"),
    Mutant("as they stand", "pieces", "return _in_a_row(", "return True or _in_a_row(", "pieces"),
    Mutant("parts of an argument", "pieces", "if _SEPARATOR.search(text):", "if False:", "pieces"),
    Mutant("tolerance", "numbers", "if tolerance is not None:", "if False:", "numbers"),
    Mutant("whole numbers are equal", "numbers", "if actual == int(actual) and", "if False and", "numbers"),
    Mutant("thousands", "normal", "_THOUSANDS.sub(_without_commas, text)", "text", "normal"),
    Mutant("a token's beginning", "normal", "if _free_before(text, start) and", "if", "normal"),
    Mutant("a token's end", "normal", " and _free_after(text, start + len(token))", "", "normal"),
    Mutant("of its own tool", "progress", "self._open.get(call.name, ())", "range(len(self._steps))", "progress"),
    Mutant("malformed solves nothing", "progress", "() if call.error is not None else ", "", "progress"),
    Mutant("credited once", "progress", " not in self._credited", "", "progress"),
    Mutant("maximum matching", "progress", " if self._greedy else self._matched(calls, results)", "", "progress"),
    Mutant("any order of calls", "progress", "keys = sorted(fitting)", "keys = list(fitting)", "progress"),
    Mutant("the last tag", "reply", "_plain(content if tag is None else tag)", "_plain(content)", "reply"),
    Mutant("the last conclusion", "reply", "if conclusion else text", "if False else text", "answer"),
    Mutant("a list's own numbers", "reply", "if number in (1, following):", "if False:", "reply"),
    Mutant("denied", "answer", "blank(text, _denied(right, text))", "text", "answer"),
    Mutant("limits", "answer", "_COMPARED.search(before)", "None", "answer"),
    Mutant("first in a tag", "answer", "(not tagged or _comes_first(target, said))", "True", "answer"),
    Mutant("offered beside another", "answer", "if _offers(own, text):", "if False:", "answer"),
    Mutant("years", "answer", "return blank(text, [year", "return text or blank(text, [year", "answer"),
    Mutant("a year as answer", "answer", "number.near(int(year.group(1)))", "False", "answer"),
    Mutant("another unit", "answer", "_in_another_unit(own, other, text) or", "", "answer"),
    Mutant("pounds", "numbers", "*_POUNDS.get(unit, ())", "", "answer"),
    Mutant("no hedging", "answer", "return not _hedges(", "return True or _hedges(", "answer"),
    Mutant("strict in a tag", "answer", "(tagged or len(others)", "(len(others)", "answer"),
    Mutant("no list of guesses", "answer", " or len(others) > MAX_RESTATED", "", "answer"),
    Mutant("repeated is not returned", "answer", " and not target.held(arguments)", "", "answer"),
    Mutant("repeated must choose", "answer", "evidence = [(None, values) for", "evidence = [(_, values) for", "answer"),
    Mutant("a failure shows nothing", "answer", ' and result.status == "ok"', "", "answer"),
    Mutant("the closing reply only", "scorer", "correct = answered and ", "correct = ", "rescoring"),
    Mutant("malformed calls count", "scorer", "calls=len(calls),", "calls=valid,", "rewards"),
    Mutant("half without the answer", "rewards", "0.0 - _f1_after(turn) / 2", "0.0", "rewards"),
    Mutant("no share above one", "metrics", "return max(calls, solved)", "return calls", "metrics"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and of the tests of verification, where anything may be broken."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tool_gym", folder / "tool_gym", ignore=ignored)
    shutil.copytree(ROOT / "tests" / "verify", folder / "tests" / "verify", ignore=ignored)
    shutil.copy(ROOT / "setup.cfg", folder)
    for shared in (ROOT / "tests").glob("*.py"):  # what the tests of verification have in common with the others
        shutil.copy(shared, folder / "tests")
    return folder


def run(folder, *tests):
    paths = [f"tests/verify/test_{name}.py" for name in tests]
    # Neither stored failures nor compiled files of another mutant may decide.
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hypothesis-seed=0",
        *paths,
    ]
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"), "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_copy_as_it_is_passes(copy):
    done = run(copy, *sorted({mutant.tests for mutant in MUTANTS}))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_dropping_a_rule_makes_a_test_fail(mutant, copy):
    file = copy / "tool_gym" / "verify" / f"{mutant.module}.py"
    whole = file.read_text(encoding="utf-8")
    assert whole.count(mutant.text) == 1, f"{file.name} has changed: say here again where the rule stands"
    file.write_text(whole.replace(mutant.text, mutant.without), encoding="utf-8")
    try:
        done = run(copy, mutant.tests)
    finally:
        file.write_text(whole, encoding="utf-8")
    assert done.returncode == 1, f"no test of {mutant.tests} holds the rule\n{done.stdout}{done.stderr}"
    assert "FAILED" in done.stdout, done.stdout
