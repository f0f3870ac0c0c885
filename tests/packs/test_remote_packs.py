"""Archives of packs: registered, offered by TOOL_GYM_PACKS, and fetched from a real server that behaves or does not."""

import hashlib
import json
import socket
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gymnasium as gym
import pytest
from small_pack import SCENARIOS, TABLES
from typer.testing import CliRunner

import tool_gym
from tool_gym.cli import app
from tool_gym.errors import InputError, PackError
from tool_gym.packs import discovery
from tool_gym.packs.archive import cache_folder
from tool_gym.packs.discovery import installed_packs, problems
from tool_gym.packs.reader import load_pack
from tool_gym.packs.remote import fetch_pack
from tool_gym.packs.writer import write_pack


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(discovery, "_added", {})
    monkeypatch.setattr(discovery, "_entry_points", lambda: ())
    monkeypatch.delenv("TOOL_GYM_PACKS", raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def archive(tmp_path):
    return zipped(tmp_path / "towns.zip", "towns")


def zipped(path, name, version=0):
    folder = write_pack(path.with_suffix(""), name=name, version=version, scenarios=SCENARIOS, tables=TABLES).path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
            file.unlink()
    folder.rmdir()
    return path


class Handler(BaseHTTPRequestHandler):
    """Answers each path by the function of that name in the server's table."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.answers[self.path](self)

    def log_message(self, *arguments):
        pass

    def say(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        serving.answers, serving.asked = {}, []
        serving.over = threading.Event()
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
        thread.start()
        yield serving
        serving.over.set()
        serving.shutdown()
        thread.join()


def address(server, path):
    return f"http://127.0.0.1:{server.server_port}{path}"


def serve(server, path, data, **headers):
    server.answers[path] = lambda handler: handler.say(200, data, Content_Length=str(len(data)), **headers)
    return address(server, path)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def left_behind():
    return sorted(cache_folder().iterdir()) if cache_folder().exists() else []


def test_an_archive_is_registered_and_played_like_a_folder(archive):
    ids = tool_gym.register_pack(archive)
    assert ids[0] == "ToolUse/towns-v0"
    assert tool_gym.register_pack(str(archive)) == ids
    env = gym.make("ToolUse/towns.single-1-v0", execution="embedded")
    assert env.reset(seed=0)[1]["scenario"] == "single-1"


def test_the_variable_names_archives_and_folders_of_archives(archive, tmp_path, monkeypatch):
    many = tmp_path / "many"
    many.mkdir()
    zipped(many / "b.zip", "second")
    zipped(many / "a.zip", "towns", version=3)
    (many / "spoilt.zip").write_text("no archive")
    monkeypatch.setenv("TOOL_GYM_PACKS", f"{archive}:{many}:{tmp_path / 'absent.zip'}")
    assert list(installed_packs()) == ["towns-v0", "towns-v3", "second-v0"]
    assert load_pack("towns").version == 3
    assert load_pack("towns-v0")["single-1"] == SCENARIOS[0]
    assert len(problems()) == 2
    assert "spoilt.zip: no zip archive" in problems()[0]
    assert "absent.zip" in problems()[1]


def test_an_address_is_never_asked_unbidden(server, archive, monkeypatch):
    url = serve(server, "/towns.zip", archive.read_bytes())
    for use in (load_pack, tool_gym.register_pack):
        with pytest.raises(InputError, match="tool-gym pack fetch"):
            use(url)
    monkeypatch.setenv("TOOL_GYM_PACKS", url)
    assert installed_packs() == {}
    assert server.asked == []


def test_a_pack_is_fetched_once_and_then_played(server, archive):
    data = archive.read_bytes()
    url = serve(server, "/towns.zip", data)
    folder = fetch_pack(url, sha256(data).upper())
    assert load_pack(folder)["single-1"] == SCENARIOS[0]
    assert tool_gym.register_pack(folder)[0] == "ToolUse/towns-v0"
    assert fetch_pack(url, sha256(data)) == folder
    assert server.asked == ["/towns.zip"]
    assert left_behind() == [folder]


def test_redirects_are_followed(server, archive):
    data = archive.read_bytes()
    serve(server, "/towns.zip", data)
    server.answers["/latest"] = lambda handler: handler.say(302, Location="/towns.zip")
    assert load_pack(fetch_pack(address(server, "/latest"), sha256(data))).name == "towns"


def test_a_stream_of_unknown_length_is_taken(server, archive):
    data = archive.read_bytes()
    server.answers["/stream"] = lambda handler: handler.say(200, data)
    assert load_pack(fetch_pack(address(server, "/stream"), sha256(data))).name == "towns"


def slow(handler):
    """A byte now and then, for ever."""
    handler.say(200, b"P", Content_Length="1000000")
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"K")


REFUSED = {
    "another archive": (lambda h: h.say(200, b"something else"), {}, "SHA-256 [0-9a-f]{64}, expected"),
    "one that is too long": (lambda h: h.say(200, bytes(5000)), {"max_bytes": 4096}, "longer than 4,096 bytes"),
    "one cut short": (lambda h: h.say(200, b"half", Content_Length="99999"), {}, "SHA-256|cannot be downloaded"),
    "nothing there": (lambda h: h.say(404), {}, "404"),
    "a server's fault": (lambda h: h.say(500), {}, "500"),
    "a circle": (lambda h: h.say(302, Location=h.path), {}, "redirect"),
    "a way to a file": (lambda h: h.say(302, Location="file:///etc/passwd"), {}, "cannot be downloaded|not followed"),
    "a way to ftp": (lambda h: h.say(302, Location="ftp://127.0.0.1/x.zip"), {}, "leads to ftp:.*not followed"),
    "no http": (lambda h: h.wfile.write(b"\x00\x01garbage\n"), {}, "cannot be downloaded"),
    "silence": (lambda h: h.server.over.wait(20), {"silence_s": 0.3}, "timed out"),
    "a trickle": (slow, {"time_limit_s": 0.4}, "slower than its time limit"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_server_does_wrong_is_told_and_leaves_nothing(server, what):
    answer, limits, reason = REFUSED[what]
    server.answers["/x.zip"] = answer
    with pytest.raises(PackError, match=reason) as caught:
        fetch_pack(address(server, "/x.zip"), "0" * 64, **limits)
    assert address(server, "/x.zip") in str(caught.value)
    assert left_behind() == []


def test_a_pack_that_is_broken_behind_its_name_costs_the_list_of_packs_nothing(archive, tmp_path, monkeypatch):
    broken = write_pack(tmp_path / "broken", name="broken", scenarios=SCENARIOS[:1], tables=TABLES).path
    row = json.loads((broken / "pack.json").read_text())
    (broken / "pack.json").write_text(json.dumps({**row, "counts": 7}))
    monkeypatch.setenv("TOOL_GYM_PACKS", f"{archive}:{broken}")
    result = CliRunner().invoke(app, ["packs", "--json"])
    assert [pack["pack"] for pack in json.loads(result.stdout)] == ["towns"]
    assert "left out" in result.stderr
    assert "counts" in result.stderr


def test_a_server_that_is_not_there_is_told():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(PackError, match="cannot be downloaded"):
            fetch_pack(f"http://127.0.0.1:{closed.getsockname()[1]}/x.zip", "0" * 64)
    assert left_behind() == []


def test_what_is_no_pack_is_told_with_its_address_and_leaves_nothing(server):
    url = serve(server, "/x.zip", b"hello")
    with pytest.raises(PackError, match=f"{url}: what lies there is no pack"):
        fetch_pack(url, sha256(b"hello"))
    assert left_behind() == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x.zip", "towns.zip", "data:,x"])
def test_only_http_is_spoken(url):
    with pytest.raises(InputError, match="expected an address"):
        fetch_pack(url, "0" * 64)


@pytest.mark.parametrize("wrong", ["", "0" * 63, "g" * 64, "../" + "0" * 61])
def test_a_hash_that_is_none_is_refused_before_anything_is_asked(server, wrong):
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        fetch_pack(address(server, "/x.zip"), wrong)
    assert server.asked == []


def test_the_command_fetches_and_says_what_to_do_next(server, archive):
    data = archive.read_bytes()
    url = serve(server, "/towns.zip", data)
    result = CliRunner().invoke(app, ["pack", "fetch", url, "--sha256", sha256(data)])
    assert result.exit_code == 0, result.output
    assert "tool-gym validate" in result.output
    assert "TOOL_GYM_PACKS=" in result.output
    told = json.loads(CliRunner().invoke(app, ["pack", "fetch", url, "--sha256", sha256(data), "--json"]).stdout)
    assert (told["pack"], told["scenarios"]) == ("towns", 6)
    assert load_pack(told["folder"]).name == "towns"
