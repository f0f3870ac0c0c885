"""A local server that speaks the chat-completions protocol, answers by a script, and misbehaves as ordered."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = str
"""`429`, `500`, `400 format`, `401`, `404`, `hang`, `drop`, `html`, `fences`, `prose`, `cut`, `length`, `schema`."""
NAME = "scripted-not-a-model"
HANG_S = 3.0


class ScriptedServer(ThreadingHTTPServer):
    """Answers `text(request)`, unless `fault(request, times)` names a fault; `times` says how often it was asked so."""

    daemon_threads = True

    def __init__(self, text: Callable[[Any], str], fault: Callable[[Any, int], Fault | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.text, self.fault = text, fault
        self.asked: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.bodies: list[Any] = []
        self.keys: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = json.dumps({name: value for name, value in body.items() if name != "response_format"}, sort_keys=True)
        with self.server.lock:
            times = self.server.asked[key]
            self.server.asked[key] += 1
            self.server.bodies.append(body)
            self.server.keys.append(self.headers["Idempotency-Key"])
        fault = self.server.fault(body, times)
        if fault == "429":
            self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "0.2"})
        elif fault == "500":
            self._send(500, {"error": {"message": "oops"}}, {"Retry-After-Ms": "10"})
        elif fault == "400 format":
            self._send(400, {"error": {"message": "response_format is not supported"}})
        elif fault in ("401", "404"):
            self._send(int(fault), {"error": {"message": "no"}})
        elif fault == "hang":
            time.sleep(HANG_S)
        elif fault == "drop":
            self.close_connection = True
        elif fault == "html":
            self._send(200, "<html>hello</html>")
        else:
            with self.server.lock:
                self.server.paid[key] += 1
            self._send(200, _completion(self.server.text(body), fault))

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


def _completion(text: str, fault: Fault | None) -> dict[str, Any]:
    finish = "stop"
    match fault:
        case "fences":
            text = f"```json\n{text}\n```"
        case "prose":
            text = f"<think>Is it {{x}}? Yes.</think>Gladly, here it is:\n{text}\nI hope that it helps."
        case "cut":
            text = text[: len(text) * 2 // 3]
        case "length":
            text, finish = text[: len(text) // 2], "length"
        case "schema":
            text = '{"steps": "none", "tools": 7}'
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": NAME,
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
    }


@contextmanager
def serving(
    text: Callable[[Any], str], fault: Callable[[Any, int], Fault | None] = lambda body, times: None
) -> Iterator[ScriptedServer]:
    """Runs the server in a thread."""
    with ScriptedServer(text, fault) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
