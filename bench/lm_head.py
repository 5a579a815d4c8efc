"""The LM head's log-probs, forward and backward: whole logits by autograd, torch's own chunks, and our pieces.

    python bench/lm_head.py                                  # 2,048 tokens, hidden 1,024, vocabulary 100,352, float32
    python bench/lm_head.py --tokens 512 --hidden 2560       # the width of the 3b model
    python bench/lm_head.py --vocabulary 1024 --hidden 128   # a tiny model: one piece, nothing is computed twice
    python bench/lm_head.py --device cuda --dtype bfloat16 --tokens 16384 --hidden 4096

Each way runs in a process of its own, the ways in turn, `--rounds` times. Seconds are medians, on a CPU of the time
that the process computed. `peak` is what it needed above its inputs (hidden states and head) for values and both
gradients, the head's own gradient included. `+ entropy` also sums the entropy, which nobody differentiates: the
metric. `torch` is `F.linear_cross_entropy` with `reduction="none"`, which has no entropy; its hidden states are scaled
beforehand, since it knows no temperature.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rlstack.learner.head import Softening, token_scores

SOFT = Softening(scaling=8.0, temperature=0.8)


def whole(hidden: Tensor, head: Tensor, targets: Tensor, entropy: bool, piece_bytes: int) -> Tensor:
    """As transformers and a plain loss do it."""
    logits = torch.nn.functional.linear(hidden, head) / SOFT.scaling
    logits = logits.float() / SOFT.temperature
    if entropy:
        with torch.no_grad():
            logp = logits.log_softmax(1)
            (logp.exp() * logp).sum()
    return logits.log_softmax(1).gather(1, targets[:, None])[:, 0]


def pieces(hidden: Tensor, head: Tensor, targets: Tensor, entropy: bool, piece_bytes: int) -> Tensor:
    return token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes, entropy=entropy).logprobs_M


def chunks_of_torch(hidden: Tensor, head: Tensor, targets: Tensor, entropy: bool, piece_bytes: int) -> Tensor:
    options = torch.nn.LinearCrossEntropyOptions()
    scaled = hidden / (SOFT.scaling * SOFT.temperature)
    found = torch.nn.functional.linear_cross_entropy(scaled, head, targets, reduction="none", options=options)
    return -found.float()


WAYS: dict[str, tuple[Callable[..., Tensor], bool]] = {
    "whole": (whole, False),
    "pieces": (pieces, False),
    "torch": (chunks_of_torch, False),
    "whole + entropy": (whole, True),
    "pieces + entropy": (pieces, True),
}


def measure(way: str, args: argparse.Namespace, out: Connection) -> None:
    """One pass; sends seconds, peak bytes, and the norms of what came out."""
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(0)
    dtype, device = getattr(torch, args.dtype), torch.device(args.device)
    hidden = torch.randn(args.tokens, args.hidden, generator=generator).to(device, dtype).requires_grad_()
    head = (torch.randn(args.vocabulary, args.hidden, generator=generator) * 0.2).to(device, dtype).requires_grad_()
    targets = torch.randint(0, args.vocabulary, (args.tokens,), generator=generator).to(device)
    slope = torch.linspace(-1, 1, args.tokens, device=device)
    score, entropy = WAYS[way]
    few = torch.randn(8, 16, device=device, dtype=dtype, requires_grad=True)
    score(few, torch.randn(64, 16, device=device, dtype=dtype), targets[:8] % 64, entropy, 1).sum().backward()
    seconds, before = [], _held(device)  # what a first call loads is behind us
    for _ in range(args.repeats):
        hidden.grad = head.grad = None
        started = _clock(device)
        logprobs = score(hidden, head, targets, entropy, args.piece_mb << 20)
        (logprobs * slope).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(_clock(device) - started)
    assert hidden.grad is not None
    norms = [float(x.detach().double().norm()) for x in (logprobs, hidden.grad)]
    out.send({"seconds": min(seconds), "peak": _peak(device) - before, "norms": norms})


def _clock(device: torch.device) -> float:
    """On a CPU the seconds of this process, which others on the machine do not lengthen."""
    return time.perf_counter() if device.type == "cuda" else time.process_time()


def _held(device: torch.device) -> int:
    """Bytes, now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak(device: torch.device) -> int:
    """Bytes, the most so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def alone(way: str, args: argparse.Namespace) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(way, args, sender))
    process.start()
    sender.close()
    result = receiver.recv()
    process.join()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, value in (
        ("tokens", 2048), ("hidden", 1024), ("vocabulary", 100_352), ("piece-mb", 256), ("rounds", 2), ("repeats", 1),
        ("threads", 1),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in args.ways}
    for _ in range(args.rounds):
        for way in args.ways:
            runs[way].append(alone(way, args))
    base = {way: "whole + entropy" if way.endswith("entropy") else "whole" for way in args.ways}
    rows = {
        way: (statistics.median(r["seconds"] for r in found), max(r["peak"] for r in found), found[0]["norms"])
        for way, found in runs.items()
    }
    if not args.json:
        print(f"{args.tokens} tokens, hidden {args.hidden}, vocabulary {args.vocabulary}, {args.dtype}, {args.device}")
        print(f"{'':18}{'seconds':>9}{'ratio':>7}{'peak MB':>9}{'ratio':>7}   |log-probs|  |d hidden|")
    for way, (seconds, peak, norms) in rows.items():
        against = rows.get(base[way], (float("nan"), float("nan"), []))
        ratios = seconds / against[0], peak / against[1]
        if args.json:
            print(json.dumps({"way": way, "seconds": seconds, "peak": peak, "ratios": ratios, "norms": norms}))
            continue
        print(
            f"{way:18}{seconds:9.3f}{ratios[0]:7.2f}{peak / 2**20:9.0f}{ratios[1]:7.2f}"
            f"   {norms[0]:.7g}  {norms[1]:.7g}"
        )


if __name__ == "__main__":
    main()
