"""Training documents of one supervised step, from named sources, as token ids with a loss mask.

A source is `text` (generated stories), the name of an env, or a JSONL file of {"text": …} or
{"messages": […]} rows. Which documents a step sees is a pure function of (seed, stage, step): no cursor to
save, and a resumed run or another number of ranks meets the same documents.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rlstack.api import Env
from rlstack.data import prompts
from rlstack.data.text import story
from rlstack.errors import ConfigError
from rlstack.plugins import load_env

Kind = Literal["pretrain", "sft"]
Messages = Sequence[Mapping[str, Any]]
_INDICES_PER_STEP = 1_000_000  # of an env's endless stream; no step draws as many


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    ids: NDArray[np.int32]  # [T]
    trained: NDArray[np.bool_]  # [T], True where the token enters the loss


@dataclass(frozen=True, slots=True)
class Encoder:
    """How documents become tokens."""

    text: Callable[[str], NDArray[np.int32]]  # plain text, without the end token
    chat: Callable[[Messages], tuple[NDArray[np.int32], NDArray[np.bool_]]]  # ids and assistant mask
    end_id: int

    def document(self, content: str | Messages) -> Document:
        """Plain text is trained on every token and its end; a conversation on what the assistant wrote."""
        if isinstance(content, str):
            ids = np.append(self.text(content), self.end_id).astype(np.int32)
            return Document(ids, np.ones(len(ids), np.bool_))
        return Document(*self.chat(content))


Draw = Callable[[int, int], str | Messages]
"""(seed, index) → one document of a source."""


def stage_seed(seed: int, stage: str) -> int:
    """Another stage of the same run sees other documents."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stage}".encode()).digest()[:6])


def open_sources(names: Sequence[str], kind: Kind) -> dict[str, Draw]:
    """Raises ConfigError for a source that does not exist or has nothing to give to a stage of this kind."""
    return {name: _open(name, kind) for name in names}


def _open(name: str, kind: Kind) -> Draw:
    if name == "text":
        if kind == "sft":
            raise ConfigError("data.text holds plain text, which an sft stage cannot use: name envs or a .jsonl file")
        return lambda seed, index: story(random.Random(f"{seed}/text/{index}"))
    if name.endswith(".jsonl"):
        rows = _read_rows(Path(name), kind)
        return lambda seed, index: random.Random(f"{seed}/{name}/{index}").choice(rows)
    env = load_env(name)
    return functools.partial(_written_out if kind == "pretrain" else _drafted, env)


def _written_out(env: Env, seed: int, index: int) -> str:
    """A task and its right answer as plain text: the skill without the manner of a chat."""
    prompt, row = prompts.draw(env, "train", index, 0, seed)
    return "\n".join([*(message["content"] for message in prompt.messages), row.gold])


def _drafted(env: Env, seed: int, index: int) -> Messages:
    prompt, row = prompts.draw(env, "train", index, 0, seed)
    said = prompts.draft(env, prompt, row, seed)
    return [*prompt.messages, *prompts.demonstration(env, prompt, row, said)]


def _read_rows(file: Path, kind: Kind) -> list[str | Messages]:
    key = "text" if kind == "pretrain" else "messages"
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise ConfigError(f"data: cannot read {file}: {error}") from error
    rows: list[str | Messages] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line)[key])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{file}:{number}: a {kind} stage reads rows of {{"{key}": …}}: {error!r}') from error
    if not rows:
        raise ConfigError(f"data: {file} is empty")
    return rows


def step_documents(
    sources: Mapping[str, Draw],
    shares: Mapping[str, float],
    encoder: Encoder,
    *,
    kind: Kind,
    tokens: int,
    longest: int,
    seed: int,
    step: int,
) -> list[Document]:
    """Documents of one step (counted from 0), about `tokens` tokens, none longer than `longest`.

    The next document always comes from the source that is furthest behind its share: of tokens in
    pretraining, of documents in SFT. Longer plain text is cut into several documents; of a longer
    conversation the end is lost. Raises ConfigError when documents hold nothing to train on.
    """
    total = sum(shares.values())
    drawn = dict.fromkeys(sorted(shares), 0.0)
    counts = dict.fromkeys(drawn, 0)
    found: list[Document] = []
    used = barren = 0
    while used < tokens:
        name = min(drawn, key=lambda n: (drawn[n] * total / shares[n], n))
        index = step * _INDICES_PER_STEP + counts[name]
        document = encoder.document(sources[name](seed, index))
        counts[name] += 1
        drawn[name] += len(document.ids) if kind == "pretrain" else 1
        pieces = _cut(document, longest, keep_all=kind == "pretrain")
        found += pieces
        used += sum(len(piece.ids) for piece in pieces)
        barren = 0 if pieces else barren + 1
        if barren > 1000:
            raise ConfigError(f"data.{name}: no document has a trained token within row_tokens={longest}")
    return found


def _cut(document: Document, longest: int, *, keep_all: bool) -> list[Document]:
    """Pieces with at least one trained token after their first, which nothing predicts."""
    starts = range(0, len(document.ids), longest) if keep_all else (0,)
    pieces = [Document(document.ids[a : a + longest], document.trained[a : a + longest]) for a in starts]
    return [piece for piece in pieces if piece.trained[1:].any()]
