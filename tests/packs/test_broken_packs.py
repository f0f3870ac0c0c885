"""Packs broken on purpose: each is refused with the reason; none crashes, hangs, or writes outside its folder."""

import hashlib
import json
import os
import re
import resource
import stat
import zipfile
from pathlib import Path

import pytest
from small_pack import ADD, INVENTED, ORDER, PEOPLE, TABLES, people, total

from tool_gym.errors import PackError
from tool_gym.gate.examine import examine
from tool_gym.packs.errata import Erratum
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, Tool, UserTurn


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """A cache of its own, and no other pack to compare with."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tool_gym.gate.examine.installed_packs", dict)


@pytest.fixture
def folder(tmp_path):
    """A sound pack of one scenario, to be spoilt."""
    write(tmp_path / "pack", scenario(people("a", "北门", 880), total("b", [880, 1], "a")))
    return tmp_path / "pack"


def scenario(*steps, tools=(PEOPLE, ADD), question="What becomes of them?", **fields):
    return Scenario(
        id="one",
        turns=(UserTurn(content=question),),
        answer=None,
        tools=tools,
        sub_questions=steps,
        provenance=INVENTED,
        **fields,
    )


def write(folder, *scenarios, tables=TABLES, **about):
    about = {"name": "broken", "title": "t", "license": "Apache-2.0", "authors": ("A. Author",), **about}
    return write_pack(folder, scenarios=scenarios, tables=tables, **about)


def refusal(path):
    """Every reason to refuse a pack; a sound pack has none."""
    try:
        pack = load_pack(path)
        return "\n".join(finding.message for finding in examine(pack).findings if finding.level == "error")
    except PackError as error:
        return str(error)


def outside(tmp_path, folder):
    """All files beside the pack and the cache of unpacked archives."""
    kept = (folder, tmp_path / "cache")
    return {path for path in tmp_path.rglob("*") if not any(path.is_relative_to(each) for each in kept)}


def rewrite(folder, name, change):
    """Changes a file's text, and the manifest's hash of it, so that the change itself has to be found."""
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    if name != "pack.json":
        manifest = json.loads((folder / "pack.json").read_bytes())
        manifest["sha256"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "pack.json").write_text(json.dumps(manifest))


def manifest(**fields):
    return lambda folder: rewrite(folder, "pack.json", lambda text: json.dumps({**json.loads(text), **fields}).encode())


def row(name, change, number=0):
    """Changes the fields of a row."""

    def spoil(folder):
        def changed(text):
            rows = [json.loads(line) for line in text.splitlines()]
            change(rows[number])
            return b"".join(json.dumps(each).encode() + b"\n" for each in rows)

        rewrite(folder, name, changed)

    return spoil


def text(name, old, new):
    def spoil(folder):
        assert old in (folder / name).read_bytes()
        rewrite(folder, name, lambda data: data.replace(old, new))

    return spoil


def replaced(name, make):
    def spoil(folder):
        (folder / name).unlink()
        make(folder / name)

    return spoil


def errata(**row):
    return lambda folder: (folder / "errata.json").write_text(json.dumps([row]))


def linked_out(path):
    secret = path.parent.parent / "secret.txt"
    secret.write_text("secret")
    path.symlink_to(secret)


def one_more_tool(row):
    row["tools"].append(row["tools"][0])


def circle(row):
    row["sub_questions"][0]["depends_on"] = ["b"]


SPOILT = {
    "a byte of a file changed": (
        lambda folder: (folder / "scenarios.jsonl").write_bytes(
            (folder / "scenarios.jsonl").read_bytes().replace(b"880", b"881")
        ),
        "its SHA-256 is",
    ),
    "two tools of one name": (row("scenarios.jsonl", one_more_tool), "share a tool name: 'population'"),
    "steps that need each other": (row("scenarios.jsonl", circle), "depends_on forms a circle"),
    "a step that needs an unknown one": (
        row("scenarios.jsonl", lambda row: row["sub_questions"][0].update(depends_on=["zz"])),
        "names 'zz', which the scenario does not have",
    ),
    "an unknown field": (row("scenarios.jsonl", lambda row: row.update(bonus=1)), "bonus"),
    "a scenario without a check": (
        row("scenarios.jsonl", lambda row: row.pop("sub_questions")),
        "at least one sub-question or state check",
    ),
    "an id that leads upwards": (row("scenarios.jsonl", lambda row: row.update(id="../../x")), "pattern|no row has"),
    "a tool that is not there": (row("scenarios.jsonl", lambda row: row.update(tools=["0" * 64])), "no row has"),
    "a tool changed behind its hash": (text("tools.jsonl", b"How many people", b"How few people"), "content|hash"),
    "a table changed behind its hash": (text("tables.jsonl", b"5120", b"5121"), "content|hash"),
    "a table that is gone": (replaced("tables.jsonl", lambda path: path.write_bytes(b"")), "table"),
    "a file that is gone": (lambda folder: (folder / "tools.jsonl").unlink(), "cannot be read"),
    "no manifest": (lambda folder: (folder / "pack.json").unlink(), "not a pack: it holds no pack.json"),
    "a manifest that is no JSON": (lambda folder: (folder / "pack.json").write_text("{"), "pack.json: "),
    "a manifest nested without end": (lambda folder: (folder / "pack.json").write_text("[" * 200_000), "pack.json: "),
    "a format from the future": (manifest(format=7), "of format 7.*pip install -U tool-gym"),
    "a newer package asked for": (manifest(requires_tool_gym=">=99"), "needs tool-gym >=99.*pip install -U"),
    "a name that leads upwards": (manifest(name="../x"), "name is '../x'"),
    "counts that are wrong": (manifest(counts={"scenarios": 5, "tools": 2, "tables": 1}), "counts are"),
    "counts below nothing": (manifest(counts={"scenarios": -5, "tools": 2, "tables": 1}), "counts"),
    "a hash for a file elsewhere": (
        lambda folder: manifest(
            sha256={**json.loads((folder / "pack.json").read_text())["sha256"], "../secret.txt": "0" * 64}
        )(folder),
        "which is no file of a pack",
    ),
    "ids that the scenarios do not have": (
        replaced("ids.txt", lambda path: path.write_text("two train\n")),
        "ids.txt, line 1|SHA-256",
    ),
    "another encoding": (
        lambda folder: rewrite(folder, "scenarios.jsonl", lambda data: data.decode().encode("utf-16")),
        "scenarios.jsonl",
    ),
    "bytes that are no text": (text("scenarios.jsonl", b"What", b"Wh\xff\xfe"), "scenarios.jsonl, line 1"),
    "a number that is none": (text("scenarios.jsonl", b"881", b"NaN"), "scenarios.jsonl, line 1"),
    "a link out of the folder": (replaced("tools.jsonl", linked_out), "a link that leads out"),
    "a pipe instead of a file": (replaced("tools.jsonl", os.mkfifo), "not a regular file"),
    "a folder instead of a file": (replaced("tools.jsonl", Path.mkdir), "not a regular file|cannot be read"),
    "a link to itself": (replaced("ids.txt", lambda path: path.symlink_to(path)), "cannot be read"),
    "errata that are no JSON": (lambda folder: (folder / "errata.json").write_text("["), "errata.json: not JSON"),
    "errata that are no list": (lambda folder: (folder / "errata.json").write_text('{"one": 1}'), "errata.json: "),
    "errata without a problem": (errata(scenario="one", problem=""), "errata.json: 0.problem"),
    "errata with an unknown field": (errata(scenario="one", problem="p", colour="red"), "errata.json: 0.colour"),
    "errata mended before the beginning": (
        errata(scenario="one", problem="p", mended_in=0),
        "errata.json: 0.mended_in",
    ),
    "errata of a scenario that is not there": (
        errata(scenario="two", problem="p"),
        "errata.json: names 'two', which the pack does not have",
    ),
    "errata in a pipe": (lambda folder: os.mkfifo(folder / "errata.json"), "errata.json: not a regular file"),
    "errata that lead out": (lambda folder: linked_out(folder / "errata.json"), "a link that leads out"),
}


def test_before_it_is_spoilt_the_pack_is_sound(folder):
    assert refusal(folder) == ""


@pytest.mark.parametrize("what", SPOILT)
def test_a_pack_whose_files_are_spoilt_is_refused_with_the_reason(folder, tmp_path, what):
    spoil, reason = SPOILT[what]
    spoil(folder)
    before = outside(tmp_path, folder)
    assert_found(reason, refusal(folder))
    assert outside(tmp_path, folder) == before


@pytest.mark.slow  # a GB is read several times
def test_a_line_of_1_gb_is_refused_in_bounded_memory(folder):
    with (folder / "scenarios.jsonl").open("wb") as file:
        file.truncate(1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_found("longer than|SHA-256", refusal(folder))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024  # KiB


def assert_found(pattern, found):
    assert re.search(pattern, found, re.DOTALL), found


def step(tool="f", arguments=None, value=1, **fields):
    kind = "text" if isinstance(value, str) else "number"
    expected = Expected(value=value, kind=kind, path="")
    return SubQuestion(id="a", question="?", tools=(tool,), arguments=arguments or {}, expected=expected, **fields)


def tool(body, name="f", parameters=None, arguments=""):
    return Tool(
        name=name,
        description="d",
        parameters=parameters or {"type": "object", "properties": {}},
        source=f"def {name}({arguments}):\n    {body}\n",
    )


CLOSED = StateCheck(id="s", question="?", path="/items", expected=Expected(value=["bread"], kind="list"))
WRITTEN = {
    "gold that returns something else": (scenario(people("a", "北门", 881)), "returned .* expected 881"),
    "gold that fails": (scenario(people("a", "Nowhere", 880)), "no town is called"),
    "gold arguments outside the schema": (
        scenario(step("add", {"numbers": "1"})),
        "do not fit",
    ),
    "one reference call for two steps": (
        scenario(people("a", "北门", 880), people("b", "北门", 880)),
        "share their reference call",
    ),
    "a tool that never ends": (scenario(step(), tools=(tool("while True: pass"),)), "returned"),
    "a tool that fills the memory": (scenario(step(), tools=(tool("return [0] * 10**12"),)), "returned"),
    "a tool that ends its process": (scenario(step(), tools=(tool("raise SystemExit"),)), "returned|SystemExit"),
    "a tool that opens files": (scenario(step(), tools=(tool("return open('/etc/passwd').read()"),)), "open"),
    "a tool that imports os": (scenario(step(), tools=(tool("import os; return os.getpid()"),)), "os"),
    "a source that is no Python": (scenario(step(), tools=(tool("return ("),)), "f"),
    "a question that holds the answer": (
        scenario(people("a", "Ålund", 5120), question="Are there 5120 people?"),
        "the question holds",
    ),
    "a tool that answers whatever it is asked": (
        scenario(
            step(arguments={"x": "secret"}, value="Vesna"),
            tools=(
                tool(
                    "return 'Vesna'",
                    parameters=PEOPLE.parameters | {"properties": {"x": {"type": "string"}}, "required": ["x"]},
                    arguments="x",
                ),
            ),
        ),
        "whatever it is asked",
    ),
    "a state that is right from the beginning": (
        scenario(tools=(ORDER,), state_checks=(CLOSED,), initial_state={"items": ["bread"]}),
        "before anything is done",
    ),
    "a schema that is none": (scenario(step(), tools=(tool("return 1", parameters={"type": "objekt"}),)), "f"),
    "a schema that opens a file": (
        scenario(step(), tools=(tool("return 1", parameters={"type": "object", "$ref": "file:///etc/passwd"}),)),
        "f",
    ),
    "tools larger than an observation": (
        scenario(people("a", "北门", 880), question="x" * 600_000),
        "bytes of an observation",
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_a_pack_that_was_written_so_is_refused_with_the_reason(tmp_path, what):
    broken, reason = WRITTEN[what]
    write(tmp_path / "pack", broken)
    before = outside(tmp_path, tmp_path / "pack")
    assert_found(reason, refusal(tmp_path / "pack"))
    assert outside(tmp_path, tmp_path / "pack") == before


def asked_twice(**second):
    """Two scenarios that ask the same; fields of the second may differ."""
    first = scenario(people("a", "北门", 880), total("b", [880, 1], "a"))
    return first, first.model_copy(update={"id": "two", **second})


FROM_A_BOOK = scenario(people("a", "北门", 880)).model_copy(
    update={"provenance": Provenance(truth="extracted", source="a book")}
)
QUESTION = "How many people live in the town at the northern gate, and how many if one more comes to live there?"
UNWANTED = {
    "no licence": ({"license": ""}, ("license", "", "no licence is named")),
    "a licence in words": ({"license": "ask me first, please"}, ("license", "", "no SPDX identifier")),
    "nobody to name": ({"authors": ()}, ("attribution", "", "Apache-2.0 wants a name to be named")),
    "facts from nowhere": (
        {"scenarios": [FROM_A_BOOK]},
        ("attribution", "", "say from where"),
    ),
    "a known mistake": (
        {"errata": [Erratum(scenario="one", problem="the gate has moved")]},
        ("errata", "one", r"the gate has moved \(not mended yet\)"),
    ),
    "a question that comes twice": (
        {"scenarios": asked_twice()},
        ("duplicates", "two", "asks word for word what 'one' of split train asks"),
    ),
    "the same calls behind another question": (
        {"scenarios": asked_twice(turns=(UserTurn(content="Anything new at the gate?"),))},
        ("duplicates", "two", "is answered by the same calls as 'one'"),
    ),
    "a question that nearly comes twice": (
        {
            "scenarios": (
                scenario(people("a", "北门", 880), question=QUESTION),
                scenario(people("a", "Ålund", 5120), question=QUESTION + " Tell me!").model_copy(update={"id": "two"}),
            )
        },
        ("duplicates", "two", "shares 90% of its question's phrases with 'one'"),
    ),
}


@pytest.mark.parametrize("what", UNWANTED)
def test_what_nobody_wants_in_a_pack_is_a_warning_that_refuses_it_only_where_packs_ship(tmp_path, what):
    about, (check, where, message) = UNWANTED[what]
    about = {"scenarios": [scenario(people("a", "北门", 880), total("b", [880, 1], "a"))], **about}
    pack = write(tmp_path / "pack", *about.pop("scenarios"), **about)
    report = examine(pack, attacks=False)
    (finding,) = report.findings
    assert finding[:3] == ("warning", check, where)
    assert_found(message, finding.message)
    assert report.passes()
    assert not report.passes(strict=True)


def test_a_scenario_of_the_test_split_that_the_training_split_holds_refuses_the_pack(tmp_path):
    write(tmp_path / "pack", *asked_twice(split="test"))
    assert_found("what 'one' of split train asks; it is in split test", refusal(tmp_path / "pack"))


def test_a_scenario_that_is_known_to_be_bad_is_named_and_does_not_refuse_the_pack(tmp_path):
    wrong = scenario(people("a", "北门", 881))
    right = scenario(people("a", "Ålund", 5120), question="How many?").model_copy(update={"id": "two"})
    write(tmp_path / "pack", wrong, right)
    assert_found("expected 881", refusal(tmp_path / "pack"))
    write(
        tmp_path / "pack",
        wrong,
        right,
        errata=[Erratum(scenario="one", problem="881", mended_in=1)],
        on_exists="replace",
    )
    report = examine(load_pack(tmp_path / "pack"))
    assert [finding[:3] for finding in report.findings] == [("warning", "errata", "one")]
    assert "mended in version 1" in report.findings[0].message


def zipped(folder, target, prefix=""):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, prefix + path.name)
    return target


def test_a_pack_is_read_from_an_archive_of_its_folder_or_its_files(folder, tmp_path):
    for prefix in ("", "broken/"):
        pack = load_pack(zipped(folder, tmp_path / "pack.zip", prefix))
        assert pack == load_pack(folder)
        assert refusal(tmp_path / "pack.zip") == ""


def with_entry(name, content=b"x", **about):
    def spoil(path):
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for field, value in about.items():
                setattr(entry, field, value)
            archive.writestr(entry, content)

    return spoil


ARCHIVES = {
    "a path upwards": (with_entry("../../evil.txt"), "is no file of a pack"),
    "a pack's file upwards": (with_entry("../ids.txt"), "is no file of a pack"),
    "a path from the root": (with_entry("/tmp/tool_gym_evil/README.md"), "is no file of a pack"),
    "a path with backslashes": (with_entry("..\\README.md"), "is no file of a pack"),
    "a file elsewhere in it": (with_entry("inner/README.md"), "twice|one folder"),
    "a link": (with_entry("x/ids.txt", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16), "is a link"),
    "a bomb": (with_entry("tables.jsonl", bytes(30_000_000)), "unpacks to more"),
    "half of it": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "no zip archive"),
    "no archive at all": (lambda path: path.write_text("hello"), "no zip archive"),
    "a broken stream": (
        lambda path: path.write_bytes(path.read_bytes()[:60] + b"\xff" * 200 + path.read_bytes()[260:]),
        "no zip archive",
    ),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_a_broken_archive_is_refused_with_the_reason_and_leaves_nothing(folder, tmp_path, what):
    spoil, reason = ARCHIVES[what]
    if what in ("a bomb", "a link"):
        (folder / ("tables.jsonl" if what == "a bomb" else "ids.txt")).unlink()
    archive = zipped(folder, tmp_path / "pack.zip")
    spoil(archive)
    before = outside(tmp_path, folder)
    assert_found(reason, refusal(archive))
    assert outside(tmp_path, folder) == before
    cache = tmp_path / "cache" / "tool_gym" / "packs"
    assert not cache.exists() or list(cache.iterdir()) == []
