"""A real vLLM engine in this process: its log-probs are the learner's, its samples depend on their seeds alone."""

from __future__ import annotations

import os

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")

import numpy as np
import pytest
import torch

from rlstack.config.model import ModelConfig
from rlstack.config.rl import GuardConfig
from rlstack.errors import EngineError, MismatchError
from rlstack.grpo.mismatch import alarm
from rlstack.models.chat import load_tokenizer, render, stop_ids
from rlstack.models.source import resolve
from rlstack.rollout.engine import Ask, Engine, EngineSpec
from rlstack.sync.sender import SharedMemorySender, Weights

pytestmark = pytest.mark.e2e
MODEL = ModelConfig(name="tiny", path="builtin:tiny")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(MODEL, resolve(MODEL))


@pytest.fixture(scope="module")
def engine(tokenizer):
    folder = resolve(MODEL)
    spec = EngineSpec(
        str(folder), "cpu", "float32", 256, stop_ids(tokenizer, folder), "shared_memory", kv_cache_bytes=64 * 2**20
    )
    return Engine(spec)


@pytest.fixture
def model():
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(resolve(MODEL), dtype=torch.float32).eval()


class _Client:
    """What a sender drives: this one engine."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def begin_update(self, info):
        return lambda: self._engine.update_weights(info)

    def fingerprints(self):
        return [self._engine.fingerprint()]


@pytest.fixture
def sender(engine, model):
    made = SharedMemorySender(Weights(model, torch.float32, tied_head=True), _Client(engine))
    made.send(0)
    yield made
    made.close()


def _asks(tokenizer, n=6, samples=4, temperature=1.0):
    questions = [f"What is {a} + {2 * a % 7}?" for a in range(n)]
    return [
        Ask(f"p{i}", "math", render(tokenizer, [{"role": "user", "content": q}]), samples, 1000 * i, 24, temperature)
        for i, q in enumerate(questions)
    ]


def _samples(engine, asks):
    return {(s.prompt_id, s.index): s for group in engine.generate(asks) for s in group}


def _gaps(model, samples, temperature=1.0):
    gaps = []
    for s in samples:
        ids = torch.from_numpy(np.concatenate([s.prompt_ids, s.completion_ids])).long()[None]
        with torch.no_grad():
            logp = (model(input_ids=ids).logits[0, :-1] / temperature).log_softmax(-1)
        start = len(s.prompt_ids) - 1
        own = logp[range(start, ids.shape[1] - 1), ids[0, start + 1 :]].numpy()
        gaps.append(np.abs(own - s.logprobs))
    return np.concatenate(gaps)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.5])
def test_log_probs_are_those_of_the_model_at_the_sampling_temperature(engine, sender, model, tokenizer, temperature):
    samples = _samples(engine, _asks(tokenizer, temperature=temperature)).values()
    assert _gaps(model, samples, temperature).max() < 1e-4
    if temperature != 1.0:
        assert _gaps(model, samples, 1.0).max() > 1e-2


def test_samples_depend_on_their_seed_not_on_their_company(engine, sender, tokenizer):
    asks = _asks(tokenizer)
    together = _samples(engine, asks)
    alone = _samples(engine, asks[2:3]) | _samples(engine, asks[4:])
    assert len(together) == 24
    for key, sample in alone.items():
        assert np.array_equal(sample.completion_ids, together[key].completion_ids)
    answers = {p: {tuple(together[p, i].completion_ids) for i in range(4)} for p in {key[0] for key in together}}
    assert any(len(texts) > 1 for texts in answers.values()), "four seeds, one answer, for every prompt"


def test_greedy_and_stop_tokens(engine, sender, model, tokenizer):
    stops = set(stop_ids(tokenizer, resolve(MODEL)))
    for sample in _samples(engine, _asks(tokenizer, samples=1, temperature=0.0)).values():
        ids = torch.from_numpy(np.concatenate([sample.prompt_ids, sample.completion_ids])).long()[None]
        with torch.no_grad():
            best = model(input_ids=ids).logits[0, :-1].argmax(-1)[len(sample.prompt_ids) - 1 :]
        assert np.array_equal(best.numpy(), sample.completion_ids)
        assert (sample.finish_reason == "stop") == (int(sample.completion_ids[-1]) in stops)
        assert not stops & set(sample.completion_ids[:-1].tolist())


def test_new_weights_arrive_whole_and_under_their_version(engine, sender, model, tokenizer):
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.02)
    sender.send(7)
    samples = _samples(engine, _asks(tokenizer)).values()
    assert {s.weight_version for s in samples} == {7}
    assert _gaps(model, samples).max() < 1e-4


def test_an_engine_with_other_weights_is_found_out(engine, sender, model, tokenizer):
    """Weights 1 % off fire the run-time alarm as it is shipped; a single bucket that was lost, the checksum."""
    torch.manual_seed(0)
    exact = {n: p.detach().clone() for n, p in model.named_parameters()}
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * p.std() * 0.01 if p.ndim == 2 else 0)
    sender.send(1)
    model.load_state_dict(exact, strict=False)
    gaps = _gaps(model, _samples(engine, _asks(tokenizer, n=8)).values())
    assert alarm(float(np.exp(gaps).mean()), GuardConfig().limit("float32")), np.exp(gaps).mean()
    client = _Client(engine)
    client.begin_update = lambda info: lambda: None  # an engine that loses a bucket
    broken = SharedMemorySender(Weights(model, torch.float32, tied_head=True), client)
    with pytest.raises(MismatchError, match="version 2"):
        broken.send(2)
    broken.close()


def test_a_reader_that_goes_away_leaves_no_request_behind(engine, sender, tokenizer):
    stream = engine.generate(_asks(tokenizer))
    next(stream)
    stream.close()
    assert not engine.llm.llm_engine.has_unfinished_requests()
    assert len(_samples(engine, _asks(tokenizer))) == 24


def test_a_prompt_that_does_not_fit_is_an_error_with_its_name(engine, tokenizer):
    with pytest.raises(EngineError, match=r"env 'math' has 300 tokens and the context holds 256"):
        list(engine.generate([Ask("p", "math", (5,) * 300, 1, 0, 8, 1.0)]))
