"""What the training loop sees of scoring: hand over a finished group, get a future of its scores."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from rlstack.api import Response
from rlstack.errors import DeadlineError, PluginError, ScoringError, nearest
from rlstack.scoring import server
from rlstack.scoring.cache import VerdictCache, content_key
from rlstack.scoring.launch import Facts, ServerLink, failure
from rlstack.scoring.reply import queue_of
from rlstack.types import Prompt, Sample, Score

Scores = tuple[Score, ...]
_RESTARTS = 3  # so often may the server be lost in a pool's life


class Limits(Protocol):
    """The part of the configuration that the pool needs: `rlstack.config.rl.ScoringConfig` has it."""

    @property
    def workers(self) -> int: ...
    @property
    def deadline(self) -> float: ...
    @property
    def memory_mb(self) -> int: ...


class Pool(Protocol):
    """What a stage asks of scoring: `ScoringPool` on one machine, `rlstack.cluster.scoring.NodePools` on several."""

    def submit(
        self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], *, cached: bool = True
    ) -> Future[Scores]: ...
    def reply(self, env: str, said: Sequence[Response], data: Mapping[str, Any]) -> Future[Scores]: ...
    def collect(self, futures: Sequence[Future[Scores]], timeout_s: float) -> list[Scores]: ...
    def verifiable(self, env: str) -> dict[str, float]: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    """A group that is being judged; equal answers and cached ones are not sent."""

    message: tuple[bytes, ...]
    env: str
    future: Future[Scores]
    keys_G: list[bytes]
    known: dict[bytes, Score]  # by key: from the cache
    asked: list[bytes]  # the keys that were sent, in order
    cached: bool


class ScoringPool:
    """Judges groups in worker processes that are killed when they overrun.

    `rewards` maps env → reward name → weight; `paths` gives the folder of an env that is a plugin outside
    the usual places; `replies` are the envs that hold conversations. The constructor returns when the first
    worker is ready (0.3 s, plus what the rewards import) and raises PluginError for a reward that does not load.

        with ScoringPool({"math": {"math": 1.0}}, config) as pool:
            futures = [pool.submit("math", answers_G, prompt.data) for ...]   # as groups finish
            scores = pool.collect(futures, timeout_s=60)
    """

    def __init__(
        self,
        rewards: Mapping[str, Mapping[str, float]],
        config: Limits,
        *,
        paths: Mapping[str, str] | None = None,
        replies: Sequence[str] = (),
        cache_size: int = 65536,
        recycle_after: int = 2000,
    ) -> None:
        self._settings = {
            "rewards": {env: dict(weights) for env, weights in rewards.items()},
            "paths": {env: str(path) for env, path in (paths or {}).items()},
            "replies": {env: str((paths or {}).get(env, env)) for env in replies},
            "workers": config.workers,
            "deadline": config.deadline,
            "memory_mb": config.memory_mb,
            "recycle_after": recycle_after,
        }
        self._lock = threading.Lock()  # guards everything below
        self._waiting: dict[bytes, _Waiting] = {}
        self._cache = VerdictCache(cache_size)
        self._counts = {"judged": 0, "cached": 0, "invalid": 0, "error": 0, "timeout": 0, "restarts": 0}
        self._next = 0
        self._closed = False
        self._link = ServerLink(self._settings)
        self._reader = threading.Thread(target=self._read, name="rlstack-scoring", daemon=True)
        self._reader.start()

    def submit(
        self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], *, cached: bool = True
    ) -> Future[Scores]:
        """Queue the answers to one prompt; the future gets their scores in the same order. Does not wait.

        `cached=False` judges anew what was judged before. Raises ScoringError for an unknown env or a closed
        pool; the future raises it when the pool fails or is closed.
        """
        if env not in self._settings["rewards"]:
            raise ScoringError(f"the scoring pool has no env '{env}': {nearest(env, self._settings['rewards'])}")
        return self._queue(env, answers_G, data, cached)

    def reply(self, env: str, said: Sequence[Response], data: Mapping[str, Any]) -> Future[Scores]:
        """Queue conversations for the env to reply to; `read_reply` reads the future's scores. Does not wait.

        A response holds the policy's last turn, and in `messages` all that came before.
        """
        if env not in self._settings["replies"]:
            raise ScoringError(f"the scoring pool knows no replies of env '{env}'")
        return self._queue(queue_of(env), said, data, cached=False)

    def _queue(self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], cached: bool) -> Future[Scores]:
        shared = _data_json(env, data)
        texts_G = [_response_json(answer) for answer in answers_G]
        keys_G = [content_key(env, shared, text) for text in texts_G]
        future: Future[Scores] = Future()
        with self._lock:
            if self._closed:
                raise ScoringError("the scoring pool is closed")
            found = {key: self._cache.get(key) for key in dict.fromkeys(keys_G)} if cached else {}
            known = {key: score for key, score in found.items() if score is not None}
            fresh = {key: text for key, text in zip(keys_G, texts_G, strict=True) if key not in known}
            self._counts["cached"] += len(keys_G) - len(fresh)
            if not fresh:
                future.set_result(tuple(known[key] for key in keys_G))
                return future
            ident = self._next.to_bytes(8, "little")
            self._next += 1
            message = (server.GROUP, ident, env.encode(), shared, *fresh.values())
            self._waiting[ident] = _Waiting(message, env, future, keys_G, known, list(fresh), cached)
            link = self._link
        self._send(link, message)
        return future

    def judge(
        self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], timeout_s: float = 60.0
    ) -> Scores:
        """Submit one group and wait for it."""
        return self.collect([self.submit(env, answers_G, data)], timeout_s)[0]

    def collect(self, futures: Sequence[Future[Scores]], timeout_s: float) -> list[Scores]:
        """The scores of all groups, in order. Raises DeadlineError after `timeout_s` seconds, ScoringError when
        the pool fails."""
        _, missing = wait(futures, timeout_s)
        if missing:
            with self._lock:
                envs = sorted({row.env for row in self._waiting.values() if row.future in missing})
            raise DeadlineError(
                f"the driver waited {timeout_s:g} s for the scoring pool: {len(missing)} of {len(futures)} groups "
                f"are still being judged ({', '.join(envs) or 'of another pool'}; {self._settings['workers']} workers, "
                f"{self._settings['deadline']:g} s per verdict)"
            )
        return [future.result() for future in futures]

    def verifiable(self, env: str) -> dict[str, float]:
        """Reward → weight of those rewards of an env that a gold answer must satisfy."""
        return dict(self._link.facts.verifiable.get(env, {}))

    @property
    def facts(self) -> Facts:
        """What the server found out about its rewards and its sandbox."""
        return self._link.facts

    @property
    def server_pid(self) -> int:
        """The process that the workers are forked from."""
        return self._link.process.pid

    def stats(self) -> dict[str, int]:
        """Counts since the start: samples judged, cached (or repeated), by status, and servers restarted."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """End all processes, within a second; groups still waiting raise ScoringError. May be called again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            link = self._link
        link.end()
        self._fail(ScoringError("the scoring pool was closed while this group was being judged"))
        if self._reader is not threading.current_thread():
            self._reader.join(1.0)

    def __enter__(self) -> ScoringPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- the reader thread ----------------------------------------------------------------------------

    def _read(self) -> None:
        """Resolve futures until the pool is closed; a lost server is replaced and asked again."""
        while True:
            fatal: Exception | None = None
            for kind, *rest in self._link.messages():
                if kind == server.SCORES:
                    self._resolve(*rest)
                elif kind == server.FATAL:
                    fatal = failure(rest[0])
            with self._lock:
                if self._closed:
                    return
                spent = self._counts["restarts"] >= _RESTARTS
            if fatal is None and not spent and self._restart():
                continue
            self._give_up(fatal or ScoringError(f"the scoring server died: {self._link.obituary()}"))
            return

    def _restart(self) -> bool:
        self._link.end()
        try:
            link = ServerLink(self._settings)
        except (ScoringError, DeadlineError, OSError):
            return False
        with self._lock:
            if self._closed:
                link.end()
                return True
            self._link = link
            self._counts["restarts"] += 1
            messages = [row.message for row in self._waiting.values()]
        for message in messages:
            self._send(link, message)
        return True

    def _resolve(self, ident: bytes, text: bytes) -> None:
        scores = [Score(*row) for row in json.loads(text)]
        with self._lock:
            row = self._waiting.pop(ident, None)
            if row is None:  # asked twice around a restart
                return
            for key, score in zip(row.asked, scores, strict=True):
                row.known[key] = score
                self._counts["judged"] += 1
                if score.status != "ok":
                    self._counts[score.status] += 1
                if row.cached:
                    self._cache.put(key, score)
        _set(row.future, tuple(row.known[key] for key in row.keys_G))

    def _send(self, link: ServerLink, message: tuple[bytes, ...]) -> None:
        try:
            link.send(message)
        except OSError:  # the server is gone; the reader sees it too, and sends again to its successor
            return

    def _give_up(self, error: Exception) -> None:
        with self._lock:
            self._closed = True
        self._link.end()
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            rows = list(self._waiting.values())
            self._waiting.clear()
        for row in rows:
            if not row.future.done():
                row.future.set_exception(error)


def response_of(prompt: Prompt, sample: Sample) -> Response:
    """A rollout as the rewards see it: its last turn, and the conversation before that."""
    own_tokens = int(sample.loss_mask.sum())
    return Response(sample.text, sample.finish_reason, own_tokens, (*prompt.messages, *sample.turns[:-1]))


def _set(future: Future[Scores], scores: Scores) -> None:
    try:
        future.set_result(scores)
    except InvalidStateError:  # cancelled by its owner
        return


def _data_json(env: str, data: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(dict(data)).encode()
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"env '{env}': data of a prompt is not JSON ({error}): use texts, numbers, lists and dicts\n"
            f"  data: {str(data)[:200]}"
        ) from error


def _response_json(answer: Response) -> bytes:
    return json.dumps(
        {
            "text": answer.text,
            "finish_reason": answer.finish_reason,
            "n_tokens": answer.n_tokens,
            "messages": list(answer.messages),
        }
    ).encode()
