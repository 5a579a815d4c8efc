"""Training documents: a pure function of (seed, stage, step), shares kept, held-out prompts never used."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rlstack.data.documents import Encoder, Messages, open_sources, stage_seed, step_documents
from rlstack.data.prompts import split_of
from rlstack.data.text import story
from rlstack.errors import ConfigError

END = 0


def _text(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).astype(np.int32)


def _chat(messages: Messages) -> tuple[np.ndarray, np.ndarray]:
    ids, mask = [], []
    for message in messages:
        part = [*_text(message["content"]), END]
        ids += part
        mask += [message["role"] == "assistant"] * len(part)
    return np.array(ids, np.int32), np.array(mask, bool)


BYTES = Encoder(_text, _chat, END)


def draw(shares: dict[str, float], *, kind="pretrain", step=0, seed=7, tokens=4000, longest=512):
    sources = open_sources(list(shares), kind)
    return step_documents(sources, shares, BYTES, kind=kind, tokens=tokens, longest=longest, seed=seed, step=step)


def said(documents) -> list[bytes]:
    return [bytes(d.ids.astype(np.uint8)) for d in documents]


def test_documents_depend_on_seed_stage_and_step_alone() -> None:
    shares = {"text": 0.5, "math": 0.5}
    assert said(draw(shares, step=3)) == said(draw(dict(reversed(shares.items())), step=3))
    assert not set(said(draw(shares, step=3))) & set(said(draw(shares, step=4)))
    assert said(draw(shares, seed=8)) != said(draw(shares, seed=7))
    assert stage_seed(0, "sft") != stage_seed(0, "pretrain") != stage_seed(1, "pretrain")


def test_pretraining_shares_are_of_tokens() -> None:
    documents = draw({"text": 3.0, "math": 1.0}, tokens=40_000)
    math = sum(len(d.ids) for d in documents if b"boxed" in bytes(d.ids.astype(np.uint8)))
    total = sum(len(d.ids) for d in documents)
    assert math / total == pytest.approx(0.25, abs=0.01)
    assert 40_000 <= total < 40_000 + 512
    assert all(d.trained.all() and d.ids[-1] == END for d in documents)


def test_sft_shares_are_of_documents_and_only_answers_are_trained(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    rows = [{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": f"A{i}"}]} for i in (1, 2)]
    file.write_text("\n".join(map(json.dumps, rows)))
    documents = draw({str(file): 1.0, "logic": 3.0}, kind="sft")
    own = [d for d in documents if bytes(d.ids[:2].astype(np.uint8)) == b"Q\x00"]
    assert len(own) == pytest.approx(len(documents) / 4, abs=1)
    assert {bytes(d.ids[d.trained].astype(np.uint8)) for d in own} == {b"A1\x00", b"A2\x00"}


def test_held_out_prompts_are_never_trained_on() -> None:
    for kind in ("pretrain", "sft"):
        for document in draw({"temporal": 1.0}, kind=kind, tokens=30_000):
            question = bytes(document.ids.astype(np.uint8)).split(b"\n" if kind == "pretrain" else b"\x00")[0].decode()
            assert split_of([{"role": "user", "content": question}]) == "train"


def test_long_plain_text_is_cut_and_a_long_conversation_loses_its_end(tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text(json.dumps({"text": "x" * 1000}))
    pieces = draw({str(text): 1.0}, tokens=900, longest=300)
    assert [len(p.ids) for p in pieces] == [300, 300, 300, 101]
    chat = tmp_path / "chat.jsonl"
    turns = [{"role": "user", "content": "q" * 50}, {"role": "assistant", "content": "a" * 1000}]
    chat.write_text(json.dumps({"messages": turns}))
    pieces = draw({str(chat): 1.0}, kind="sft", tokens=300, longest=300)
    assert [(len(p.ids), int(p.trained.sum())) for p in pieces] == [(300, 249)]


def test_sources_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="plain text"):
        open_sources(["text"], "sft")
    (tmp_path / "bad.jsonl").write_text('{"text": "fine"}\n{"txt": "typo"}')
    with pytest.raises(ConfigError, match=r"bad\.jsonl:2: a pretrain stage reads rows"):
        open_sources([str(tmp_path / "bad.jsonl")], "pretrain")
    (tmp_path / "long.jsonl").write_text(
        json.dumps({"messages": [{"role": "user", "content": "q" * 99}, {"role": "assistant", "content": "a"}]})
    )
    with pytest.raises(ConfigError, match="no document has a trained token within row_tokens=64"):
        draw({str(tmp_path / "long.jsonl"): 1.0}, kind="sft", longest=64)


def test_stories_are_short_varied_and_reproducible() -> None:
    stories = [story(random.Random(i)) for i in range(500)]
    assert stories == [story(random.Random(i)) for i in range(500)]
    assert len(set(stories)) > 490
    assert max(map(len, stories)) < 320
    assert Counter(s[-1] for s in stories) == {".": 500}


def test_a_call_in_a_draft_is_followed_by_the_reply_and_the_answer() -> None:
    draw = open_sources(["calculator"], "sft")["calculator"]
    conversations = [draw(1, i) for i in range(60)]
    roles = Counter(tuple(message["role"] for message in one) for one in conversations if not isinstance(one, str))
    assert set(roles) == {("user", "assistant"), ("user", "assistant", "tool", "assistant")}
    for one in conversations:
        assert not isinstance(one, str)
        if len(one) == 4:
            assert "<tool_call>" in one[1]["content"]
            assert one[3]["content"] == f"\\boxed{{{one[2]['content']}}}"
