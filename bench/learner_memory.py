"""Peak memory of learner ranks: loading a checkpoint, and one update of RL with a KL term, per option.

    python bench/learner_memory.py                       # a 135M-parameter shape; loading on 1 and 2 ranks
    python bench/learner_memory.py --only "lora" --tokens 512

Every figure comes from fresh processes: the peak of resident memory (VmHWM) above what a rank held after its
imports, the largest over the ranks. One row of --tokens tokens in one micro-batch a rank; the last eighth is trained.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHAPE = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
         "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True}  # fmt: skip


@dataclass(frozen=True)
class Case:
    name: str
    ranks: int
    spec: dict[str, Any]  # fields of ModelSpec
    update: bool = True
    whole: bool = False  # load as transformers does, then shard


def cases() -> list[Case]:
    from rlstack.config.model import LoraConfig

    lora = LoraConfig(rank=16)
    loading = [
        Case(f"load, {how}", ranks, {}, update=False, whole=how == "whole model per rank")
        for ranks in (1, 2)
        for how in ("whole model per rank", "shards only")
    ]
    return [
        *loading,
        Case("update, every weight", 1, {}),
        Case("update, bfloat16", 1, {"dtype": "bfloat16"}),
        Case("update, gradient checkpointing", 1, {"gradient_checkpointing": True}),
        Case("update, lora", 1, {"lora": lora}),
        Case("update, lora and gradient checkpointing", 1, {"lora": lora, "gradient_checkpointing": True}),
        Case("update, lora and bfloat16", 1, {"lora": lora, "dtype": "bfloat16"}),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, n_bytes = save_random(Path(folder) / "model")
        print(f"model {n_bytes / 2**20:.0f} MiB in float32, {options.tokens} tokens, load {os.getloadavg()[0]:.1f}")
        for case in cases():
            if options.only in case.name:
                peak, seconds = measure(case, str(model), Path(folder), options.tokens)
                line = f"{case.name:<42} {case.ranks} rank(s)  peak {peak / 2**20:6.0f} MiB a rank"
                print(line + f"  {seconds:6.2f} s" * case.update, flush=True)


def save_random(folder: Path) -> tuple[Path, int]:
    import torch
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    model = GraniteForCausalLM(GraniteConfig(**SHAPE, attention_multiplier=1 / 64, bos_token_id=0, eos_token_id=0))  # type: ignore[arg-type]
    model.save_pretrained(str(folder))
    return folder, sum(p.numel() * p.element_size() for p in model.parameters())


def measure(case: Case, model: str, folder: Path, tokens: int) -> tuple[int, float]:
    """Largest peak over the ranks in bytes, and the seconds of the second update."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    store = str(folder / f"store-{time.monotonic_ns()}")
    ranks = [context.Process(target=rank, args=(r, case, model, store, tokens, results)) for r in range(case.ranks)]
    for process in ranks:
        process.start()
    found = [results.get(timeout=600) for _ in ranks]
    for process in ranks:
        process.join()
    return max(peak for peak, _ in found), max(seconds for _, seconds in found)


def rank(number: int, case: Case, model: str, store: str, tokens: int, results: Any) -> None:
    import peft  # noqa: F401 - so that its import is not counted
    import torch
    import transformers  # noqa: F401

    from rlstack.config.optim import OptimConfig
    from rlstack.config.rl import KLConfig, LossConfig
    from rlstack.learner import learner as learners
    from rlstack.learner.model import ModelSpec
    from rlstack.learner.objective import PolicyObjective

    torch.set_num_threads(1)
    place, seconds = learners.Rank(number, case.ranks, store), 0.0
    spec = learners.LearnerSpec(
        ModelSpec(model, **case.spec), OptimConfig(lr=1e-5), 10, reference=case.update, reshard=True
    )
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))  # starts what the first product starts
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = resident("VmRSS")
    if case.whole:
        held = load_whole(model, place)
    else:
        held = learners.Learner(spec, place)
        objective = PolicyObjective(LossConfig(), KLConfig(beta=0.1), 1.0)
        batch, plan = row(tokens, case.ranks)
        for step in range(2 * case.update):
            started = time.perf_counter()
            held.update(batch, [plan[number]], objective, step=step)
            seconds = time.perf_counter() - started
    results.put((resident("VmHWM") - before, seconds))
    del held
    torch.distributed.destroy_process_group()


def load_whole(model: str, place: Any) -> Any:
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from transformers import AutoModelForCausalLM

    from rlstack.learner import learner as learners

    learners._join(place, torch.device("cpu"))
    mesh = init_device_mesh("cpu", (place.world,))
    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    for layer in whole.model.layers:
        fully_shard(layer, mesh=mesh)
    return fully_shard(whole, mesh=mesh)


def row(tokens: int, ranks: int) -> tuple[Any, list[Any]]:
    """One sequence a rank."""
    import numpy as np

    from rlstack.data.batch import Batch

    rng, n_prompt = np.random.default_rng(0), tokens * 7 // 8
    trained = np.tile(np.arange(tokens) >= n_prompt, ranks)
    batch = Batch(
        rng.integers(2, 1000, tokens * ranks).astype(np.int32), np.full(ranks, tokens), np.full(ranks, n_prompt),
        trained, np.where(trained, -3.0, 0.0).astype(np.float32), np.ones(tokens * ranks, np.float32),
        np.ones(tokens * ranks, np.float32), float(trained.sum()),
    )  # fmt: skip
    return batch, [[(r,)] for r in range(ranks)]


def resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == "__main__":
    main()
