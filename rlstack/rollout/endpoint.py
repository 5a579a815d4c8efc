"""Answers from any server that speaks OpenAI's chat completions, over plain HTTP of the standard library."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rlstack.api import Response
from rlstack.errors import ConfigError, EngineError
from rlstack.types import Message

_PATH = "/chat/completions"
_ATTEMPTS = 4
_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S = 20.0
_SHOWN = 300
_GARBAGE = 200  # characters shown of what is no chat completion


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class EndpointSampler:
    """A chat model behind a URL such as `http://localhost:8000/v1`.

    The key goes into the header of each request and nowhere else. Raises EngineError when the server refuses a
    request, fails it four times, is silent for `timeout_s` seconds, or sends something else than a completion.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        max_tokens: int,
        temperature: float,
        key: str | None = None,
        timeout_s: float = 60.0,
        parallel: int = 8,
        pause_s: float = 0.5,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigError(f"--endpoint {url}: write a URL such as http://localhost:8000/v1")
        self._url = url.rstrip("/") if parts.path.endswith(_PATH) else url.rstrip("/") + _PATH
        self._body: dict[str, Any] = {"model": model, "temperature": temperature}
        self._limit_name, self._max_tokens = "max_tokens", max_tokens
        self._has_key = bool(key)
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._timeout_s, self._parallel, self._pause_s = timeout_s, parallel, pause_s
        self._opener = urllib.request.build_opener(_NoRedirect)

    def answer(
        self, conversations: Sequence[Sequence[Message]], on_answer: Callable[[int], None] = lambda _: None
    ) -> list[Response]:
        """One response per conversation, in order; `on_answer` hears how many more are done."""
        stop = threading.Event()  # after one failure the others need not be asked

        def one(messages: Sequence[Message]) -> Response:
            if stop.is_set():
                raise EngineError("not asked, because another request failed")
            try:
                response = self._ask(messages)
            except EngineError:
                stop.set()
                raise
            on_answer(1)
            return response

        with ThreadPoolExecutor(self._parallel) as threads:
            waiting = [threads.submit(one, messages) for messages in conversations]
        errors = [error for future in waiting if (error := future.exception())]
        for error in sorted(errors, key=lambda e: "not asked" in str(e)):
            raise error
        return [future.result() for future in waiting]

    def _ask(self, messages: Sequence[Message]) -> Response:
        for attempt in range(_ATTEMPTS):
            last, limit_name = attempt == _ATTEMPTS - 1, self._limit_name
            try:
                return _read(self._post(messages, limit_name), messages)
            except urllib.error.HTTPError as error:
                said = error.read(20_000).decode(errors="replace")
                if error.code == 400 and "max_completion_tokens" in said and limit_name == "max_tokens":
                    self._limit_name = "max_completion_tokens"  # what newer servers call it
                    continue
                if error.code not in _TRANSIENT or last:
                    raise EngineError(self._refused(error.code, said)) from error
                pause = _retry_after(error.headers.get("Retry-After"))
            except TimeoutError as error:  # asked again it would only take as long again
                raise EngineError(self._silent()) from error
            except OSError as error:
                if isinstance(getattr(error, "reason", None), TimeoutError):
                    raise EngineError(self._silent()) from error
                if last:
                    raise EngineError(f"{self._url}: {type(error).__name__}: {error}") from error
                pause = None
            time.sleep(min(_LONGEST_PAUSE_S, pause if pause is not None else self._pause_s * 2**attempt))
        raise EngineError(f"{self._url} takes neither max_tokens nor max_completion_tokens")

    def _post(self, messages: Sequence[Message], limit_name: str) -> dict[str, Any]:
        body = {**self._body, limit_name: self._max_tokens, "messages": spoken(messages)}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), self._headers)
        with self._opener.open(request, timeout=self._timeout_s) as answer:
            said = answer.read()
            try:
                reply = json.loads(said)
                if "content" in reply["choices"][0]["message"]:
                    return reply
            except (ValueError, KeyError, TypeError, IndexError):
                pass
            shown = " ".join(said[: 4 * _GARBAGE].decode(errors="replace").split())[:_GARBAGE]
            raise EngineError(
                f"{self._url} answered {answer.status}, but with no chat completion: {shown or 'nothing'}"
            )

    def _silent(self) -> str:
        return f"{self._url} gave no answer within {self._timeout_s:g} s; is it busy? --timeout allows more"

    def _refused(self, code: int, said: str) -> str:
        hint = ""
        if code in (401, 403):
            hint = "; OPENAI_API_KEY is set, but is not taken here" if self._has_key else "; set OPENAI_API_KEY"
        elif code == 404 and "model" in said.casefold():
            hint = f"; does the server know a model '{self._body['model']}'? --api-model names it"
        elif code in (404, 405):
            hint = "; is the path right? it usually ends with /v1"
        return f"{self._url} answered {code}: {' '.join(said.split())[:_SHOWN]}{hint}"


def spoken(messages: Sequence[Message]) -> list[Message]:
    """The conversation with the results of tools in turns of the user, as our chat template renders them.

    The policy writes its calls as text, so a server never saw them as `tool_calls`; a turn of the role "tool" that
    answers none is refused by OpenAI's own server and by many others.
    """
    found: list[Message] = []
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(f"<tool_response>\n{message['content']}\n</tool_response>")
            continue
        if results:
            found.append({"role": "user", "content": "\n".join(results)})
            results = []
        found.append(message)
    return [*found, {"role": "user", "content": "\n".join(results)}] if results else found


def _read(reply: dict[str, Any], messages: Sequence[Message]) -> Response:
    choice = reply["choices"][0]
    text = choice["message"].get("content") or ""
    n_tokens = int((reply.get("usage") or {}).get("completion_tokens") or 0)
    reason = "length" if choice.get("finish_reason") == "length" else "stop"
    return Response(str(text), reason, n_tokens, tuple(messages))


def _retry_after(value: str | None) -> float | None:
    return float(value) if value and value.strip().isdigit() else None
