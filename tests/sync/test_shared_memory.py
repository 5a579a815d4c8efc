"""Weights through shared memory: exact, checked, bounded; fingerprints see what is stale."""

from __future__ import annotations

import pytest
import torch

from rlstack.errors import MismatchError
from rlstack.sync.fingerprint import bits, fingerprint
from rlstack.sync.sender import SharedMemorySender, Weights
from rlstack.sync.shared_memory import Bucket, Reader


class _Tied(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = torch.nn.Embedding(10, 6)
        self.proj = torch.nn.Linear(6, 7, bias=False)
        self.norm = torch.nn.LayerNorm(6)


class _Receiver:
    """An engine that reads real shared memory; `stale` names a tensor that it fails to load."""

    def __init__(self, stale: str | None = None) -> None:
        self.stale, self.loaded, self.calls, self.offsets = stale, {}, [], {}

    def init_weight_transfer_engine(self, init_info):
        self.reader = Reader(init_info["segment"], init_info["size"])

    def start_weight_update(self):
        self.calls.append("start")

    def begin_update(self, info):
        """Loads when waited for: as late as an engine may."""
        return lambda: self.update_weights(info)

    def update_weights(self, info):
        self.calls.append("update")
        self.offsets.update(zip(info["names"], info["offsets"], strict=True))
        shapes = tuple(tuple(s) for s in info["shapes"])
        bucket = Bucket(tuple(info["names"]), tuple(info["dtypes"]), shapes, tuple(info["offsets"]))
        for name, tensor in self.reader.read(bucket):
            if name != self.stale or name not in self.loaded:
                self.loaded[name] = tensor.clone()

    def finish_weight_update(self, version):
        self.calls.append(f"finish {version}")

    def fingerprints(self):
        """As a vLLM model whose tied head has a copy of its own: counted only when it is equal."""
        tied = torch.equal(self.loaded["lm_head.weight"], self.loaded["embed_tokens.weight"])
        return [fingerprint(t for name, t in self.loaded.items() if not (tied and name == "lm_head.weight"))]


def _move(module: torch.nn.Module, scale: float) -> None:
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p) * scale)


@pytest.mark.parametrize("bucket_bytes", [256, 2**20])
def test_every_weight_arrives_and_the_tied_head_with_it(monkeypatch, bucket_bytes):
    monkeypatch.setattr("rlstack.sync.sender.BUCKET_BYTES", bucket_bytes)
    torch.manual_seed(0)
    module, receiver = _Tied(), _Receiver()
    sender = SharedMemorySender(Weights(module, torch.float32, tied_head=True), receiver)
    for version in (0, 1):
        _move(module, 0.1)
        sender.send(version)
        assert torch.equal(receiver.loaded["lm_head.weight"], module.embed_tokens.weight)
        for name, parameter in module.named_parameters():
            assert torch.equal(receiver.loaded[name], parameter), name
    assert receiver.calls.count("update") == (2 if bucket_bytes > 1000 else 6)
    assert receiver.offsets["lm_head.weight"] == receiver.offsets["embed_tokens.weight"], "sent twice"
    assert max(receiver.offsets.values()) < sender._writer.size == 2 * sender._writer.half
    assert receiver.calls[-1] == "finish 1"
    receiver.reader.close()
    sender.close()


def test_what_an_engine_raises_ends_the_sync():
    receiver = _Receiver()
    sender = SharedMemorySender(Weights(_Tied(), torch.float32, tied_head=True), receiver)
    receiver.update_weights = lambda info: 1 / 0
    with pytest.raises(ZeroDivisionError):
        sender.send(0)
    assert receiver.calls == ["start"], "an update that failed was finished"
    receiver.reader.close()
    sender.close()


@pytest.mark.parametrize("stale", ["lm_head.weight", "proj.weight", "norm.weight", "embed_tokens.weight"])
@pytest.mark.parametrize("scale", [1e-1, 1e-4])
def test_a_weight_that_stayed_stale_is_noticed(stale, scale):
    torch.manual_seed(0)
    module, receiver = _Tied(), _Receiver(stale)
    sender = SharedMemorySender(Weights(module, torch.float32, tied_head=True), receiver)
    sender.send(0)
    _move(module, scale)
    with pytest.raises(MismatchError, match="version 1"):
        sender.send(1)
    receiver.reader.close()
    sender.close()


def test_bf16_engines_get_rounded_weights():
    module, receiver = _Tied(), _Receiver()
    sender = SharedMemorySender(Weights(module, torch.bfloat16, tied_head=True), receiver)
    sender.send(0)
    assert receiver.loaded["proj.weight"].dtype == torch.bfloat16
    assert torch.equal(receiver.loaded["proj.weight"], module.proj.weight.bfloat16())
    receiver.reader.close()
    sender.close()


def test_bits_do_not_depend_on_the_order_of_rows_and_see_one_bit():
    torch.manual_seed(0)
    q, k = torch.randn(8, 6), torch.randn(4, 6)
    fused = torch.cat([k, q.flip(0)])
    assert (bits(q) + bits(k) - bits(fused)) % 2**64 == 0
    changed = q.clone()
    changed.view(torch.int32)[3, 2] ^= 1
    assert bits(changed) != bits(q)
    assert bits(torch.ones(3)) == bits(torch.cat([torch.ones(3), torch.zeros(1)]))
