import socket
import time

import pytest
from scripted_server import serving

from tool_gym.errors import InputError
from tool_gym.models.chat import ChatRequest, ModelError, RequestRefused, Usage
from tool_gym.models.endpoint import Endpoint

ASKED = ChatRequest(messages=({"role": "user", "content": "Hello?"},), answer_schema={"type": "object"}, seed=3)


def hello(body):
    return "Hello."


def first(fault):
    """The fault once for each request, then none."""
    return lambda body, times: fault if times == 0 else None


def ask(server, request=ASKED, **options):
    return Endpoint("m", server.url, **{"timeout_s": 1.0, **options}).complete(request)


def test_a_completion_carries_text_finish_and_tokens():
    with serving(hello) as server:
        completion = ask(server)
    assert (completion.text, completion.finish) == ("Hello.", "stop")
    assert completion.usage == Usage(input_tokens=1000, output_tokens=500)
    (body,) = server.bodies
    assert (body["model"], body["seed"], body["max_tokens"]) == ("m", 3, 4096)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize("fault", ["429", "500", "drop", "hang"])
def test_what_may_pass_is_asked_again(fault):
    with serving(hello, first(fault)) as server:
        assert ask(server).text == "Hello."
        assert sum(server.asked.values()) == 2
        assert len(set(server.keys)) == 1, "the server can tell that it is the same request"


def test_a_server_that_says_how_long_to_wait_is_not_asked_before():
    with serving(hello, first("429")) as server:
        start = time.monotonic()
        ask(server)
        assert time.monotonic() - start >= 0.2  # the Retry-After of the server; no upper bound, machines are slow


def test_retries_are_bounded():
    with serving(hello, lambda body, times: "500") as server:
        with pytest.raises(ModelError, match=r"model 'm' at http.*oops"):
            ask(server, retries=2)
        assert sum(server.asked.values()) == 3


def test_a_refused_connection_is_told_with_its_place():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match=rf"http://127.0.0.1:{port}/v1.*refused.*see that the server runs"):
        Endpoint("m", f"http://127.0.0.1:{port}/v1", retries=0).complete(ASKED)


def test_a_server_that_refuses_response_format_is_asked_without_it_from_then_on():
    with serving(hello, lambda body, times: "400 format" if "response_format" in body else None) as server:
        endpoint = Endpoint("m", server.url)
        assert [endpoint.complete(ASKED).text for _ in range(2)] == ["Hello.", "Hello."]
        assert ["response_format" in body for body in server.bodies] == [True, False, False]


def test_a_request_that_is_refused_either_way_does_not_change_how_others_are_asked():
    with serving(hello, lambda body, times: "400 format" if times < 2 and body["seed"] == 3 else None) as server:
        endpoint = Endpoint("m", server.url)
        with pytest.raises(RequestRefused, match="does not take this request"):
            endpoint.complete(ASKED)
        endpoint.complete(ASKED.model_copy(update={"seed": 4}))
        assert "response_format" in server.bodies[-1]


@pytest.mark.parametrize(("fault", "advice"), [("401", "OPENAI_API_KEY"), ("404", "base_url and the model's name")])
def test_what_does_not_pass_is_not_asked_again_and_told_with_advice(fault, advice):
    with serving(hello, lambda body, times: fault) as server:
        with pytest.raises(ModelError, match=advice):
            ask(server)
        assert sum(server.asked.values()) == 1


def test_an_answer_that_is_no_completion_is_an_error():
    with serving(hello, lambda body, times: "html") as server, pytest.raises(ModelError, match="no chat completion"):
        ask(server)


def test_openai_itself_needs_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="no key for 'm'; set OPENAI_API_KEY"):
        Endpoint("m")


def test_an_option_out_of_its_range_is_refused():
    with pytest.raises(InputError, match=r"timeout_s=0"):
        Endpoint("m", "http://localhost:1/v1", timeout_s=0)
