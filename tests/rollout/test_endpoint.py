"""The endpoint sampler against a real HTTP server on this machine."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rlstack.errors import ConfigError, EngineError
from rlstack.rollout.endpoint import EndpointSampler
from rlstack.types import Message

Reply = Callable[[dict[str, Any], int], tuple[int, Any]]


class Server:
    """Answers each request with what `reply(body, number of the request)` gives; keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.reply: Reply = lambda body, number: (200, said(body["messages"][-1]["content"].upper()))
        self.headers: dict[str, str] = {}
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.seen.append((self.path, dict(self.headers), body))
                    number = len(outer.seen)
                status, content = outer.reply(body, number)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


def said(text: str | None, reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}, "finish_reason": reason}], "usage": {"completion_tokens": 3}}


def ask(*questions: str) -> list[list[Message]]:
    return [[{"role": "user", "content": question}] for question in questions]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def sampler(server: Server, **changes: Any) -> EndpointSampler:
    return EndpointSampler(server.url, "small", max_tokens=9, temperature=0.5, **{"pause_s": 0.0, **changes})


def test_answers_in_order_with_the_key_in_the_header(server):
    questions = [f"q{n}" for n in range(20)]
    heard = []
    found = sampler(server, key="secret").answer(ask(*questions), heard.append)
    assert [response.text for response in found] == [question.upper() for question in questions]
    assert found[3].messages == ({"role": "user", "content": "q3"},)
    assert (found[0].finish_reason, found[0].n_tokens, sum(heard)) == ("stop", 3, 20)
    path, headers, body = server.seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("small", 9, 0.5)


def test_results_of_tools_are_turns_of_the_user(server):
    """OpenAI's server takes a turn of the role "tool" only behind `tool_calls`, which calls in text are not."""
    talk: list[Message] = [
        {"role": "user", "content": "2*3 and 4*5?"},
        {"role": "assistant", "content": "<tool_call>1</tool_call><tool_call>2</tool_call>"},
        {"role": "tool", "content": "6"},
        {"role": "tool", "content": "20"},
        {"role": "assistant", "content": "<tool_call>3</tool_call>"},
        {"role": "tool", "content": "26"},
    ]
    server.reply = lambda body, number: (200, said("26"))
    (found,) = sampler(server).answer([talk])
    sent = server.seen[0][2]["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user", "assistant", "user"]
    assert sent[2]["content"] == "<tool_response>\n6\n</tool_response>\n<tool_response>\n20\n</tool_response>"
    assert sent[4]["content"] == "<tool_response>\n26\n</tool_response>"
    assert all(turn.keys() == {"role", "content"} for turn in sent)
    assert found.messages == tuple(talk), "rewards see the conversation as it was"


def test_no_key_no_header(server):
    sampler(server).answer(ask("q"))
    assert "Authorization" not in server.seen[0][1]


def test_a_whole_path_is_kept(server):
    server.url += "/chat/completions"
    assert sampler(server).answer(ask("q"))[0].text == "Q"


def test_cut_off_and_empty_answers(server):
    server.reply = lambda body, number: (200, said(None, "length"))
    (found,) = sampler(server).answer(ask("q"))
    assert (found.text, found.finish_reason) == ("", "length")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_tried_again(server, status):
    server.reply = lambda body, number: (status, {"error": "busy"}) if number < 4 else (200, said("late"))
    server.headers = {"Retry-After": "0"}
    assert sampler(server).answer(ask("q"))[0].text == "late"
    assert len(server.seen) == 4


def test_a_lasting_failure_says_what_the_server_said(server):
    server.reply = lambda body, number: (503, {"error": "no\nworkers"})
    with pytest.raises(EngineError, match=r"answered 503: .*no.*workers"):
        sampler(server).answer(ask("q"))
    assert len(server.seen) == 4


@pytest.mark.parametrize(("status", "hint"), [(401, "is set, but is not taken"), (404, "ends with /v1"), (400, "bad")])
def test_a_refusal_is_not_repeated_and_never_shows_the_key(server, status, hint):
    server.reply = lambda body, number: (status, {"error": "bad"})
    with pytest.raises(EngineError, match=hint) as error:
        sampler(server, key="secret", parallel=1).answer(ask("a", "b", "c"))
    assert len(server.seen) == 1, "the others are not asked in vain"
    assert "secret" not in str(error.value)


def test_servers_that_call_the_limit_otherwise(server):
    def reply(body: dict[str, Any], number: int) -> tuple[int, Any]:
        if "max_tokens" in body:
            return 400, {"error": "use 'max_completion_tokens' instead of 'max_tokens'"}
        return 200, said(str(body["max_completion_tokens"]))

    server.reply = reply
    assert [r.text for r in sampler(server).answer(ask(*"abcdef"))] == ["9"] * 6


def test_the_key_does_not_follow_a_redirect(server):
    server.reply = lambda body, number: (307, {})
    server.headers = {"Location": server.url.replace("127.0.0.1", "localhost") + "/elsewhere"}
    with pytest.raises(EngineError, match="answered 307"):
        sampler(server, key="secret").answer(ask("q"))
    assert len(server.seen) == 1


def test_a_silent_server_is_left_after_the_timeout_and_not_asked_again(server):
    server.reply = lambda body, number: time.sleep(1.0) or (200, said("late"))
    with pytest.raises(EngineError, match=r"no answer within 0\.2 s.*--timeout"):
        sampler(server, timeout_s=0.2).answer(ask("q"))
    assert len(server.seen) == 1


def test_refusals_hint_at_what_is_wrong(server):
    server.reply = lambda body, number: (401, {"error": "who?"})
    with pytest.raises(EngineError, match="set OPENAI_API_KEY"):
        sampler(server).answer(ask("q"))
    server.reply = lambda body, number: (404, {"error": "The model `small` does not exist"})
    with pytest.raises(EngineError, match="know a model 'small'"):
        sampler(server).answer(ask("q"))


@pytest.mark.parametrize("content", [b"<html>", {"choices": []}, {"no": "choices"}, []])
def test_answers_that_are_none(server, content):
    server.reply = lambda body, number: (200, content)
    shown = (content if isinstance(content, bytes) else json.dumps(content).encode()).decode()
    with pytest.raises(EngineError, match="answered 200, but with no chat completion: " + re.escape(shown)):
        sampler(server).answer(ask("q"))


def test_nobody_there():
    gone = EndpointSampler("http://127.0.0.1:1/v1", "small", max_tokens=9, temperature=1.0, pause_s=0.0)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1/v1/chat/completions: URLError"):
        gone.answer(ask("q"))


@pytest.mark.parametrize("url", ["localhost:8000", "file:///etc/passwd", "http://", "ftp://x/v1"])
def test_what_is_no_endpoint(url):
    with pytest.raises(ConfigError, match="write a URL such as"):
        EndpointSampler(url, "small", max_tokens=9, temperature=1.0)
