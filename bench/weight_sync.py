"""Weight sync of learner and engine against a plain memcpy of the same bytes, side by side in one run.

    python bench/weight_sync.py                # tiny (0.9M) and a 135M-parameter shape, random weights
    python bench/weight_sync.py --shapes tiny

Prints, per shape: bytes, milliseconds of a sync (with and without fingerprints), of a memcpy, and the ratio
memcpy / sync, medians over interleaved repetitions.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlstack.config.cluster import ClusterConfig

SHAPES = {
    "tiny": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
             "num_key_value_heads": 2, "vocab_size": 1024},
    "135m": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49152},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--learners", type=int, default=1)
    options = parser.parse_args()
    from rlstack.cluster.session import session
    from rlstack.config.cluster import ClusterConfig

    cluster = ClusterConfig(name="bench", device="cpu", engines=1, learners=options.learners, kv_cache_bytes=64 * 2**20)
    print(f"load average {os.getloadavg()[0]:.2f}, {options.learners} learner rank(s), float32")
    with tempfile.TemporaryDirectory() as folder, session(cluster):
        for name in options.shapes:
            measure(name, Path(folder), cluster, options.repeats)


def measure(name: str, folder: Path, cluster: ClusterConfig, repeats: int) -> None:
    import torch

    from rlstack.cluster.groups import Engines, Learners
    from rlstack.cluster.processes import start_engines, start_learners
    from rlstack.config.optim import OptimConfig
    from rlstack.learner.learner import LearnerSpec
    from rlstack.learner.model import ModelSpec
    from rlstack.rollout.engine import EngineSpec

    model, n_bytes = save_random(folder / name, SHAPES[name])
    engine = EngineSpec(str(model), "cpu", "float32", 256, (0,), "shared_memory", kv_cache_bytes=64 * 2**20)
    engines = Engines(engine, cluster, start_engines(cluster, folder / "logs"))
    spec = LearnerSpec(ModelSpec(str(model)), OptimConfig(lr=1e-4), 10, reference=False)
    learners = Learners(spec, cluster, start_learners(cluster, folder / "logs"), str(folder / f"store-{name}"))
    engines.ready()
    learners.ready()
    learners.connect(engines, backend="shared_memory")
    source, target = torch.ones(n_bytes // 4), torch.zeros(n_bytes // 4)
    figures: dict[str, list[float]] = {"memcpy": [], "sync": [], "verified": []}
    for version in range(repeats + 1):
        for label, action in (
            ("memcpy", lambda: target.copy_(source)),
            ("sync", lambda v=version: learners.sync(2 * v, verify=False)),
            ("verified", lambda v=version: learners.sync(2 * v + 1, verify=True)),
        ):
            started = time.perf_counter()
            action()
            if version:  # the first round warms up
                figures[label].append(1000 * (time.perf_counter() - started))
    middle = {label: statistics.median(values) for label, values in figures.items()}
    ratios = [a / b for a, b in zip(figures["memcpy"], figures["sync"], strict=True)]
    print(
        f"{name}: {n_bytes / 1e6:.1f} MB; sync {middle['sync']:.1f} ms, with fingerprints {middle['verified']:.1f} ms, "
        f"memcpy {middle['memcpy']:.1f} ms; memcpy / sync {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f}-{max(ratios):.2f})"
    )
    learners.close()


def save_random(folder: Path, shape: dict[str, int]) -> tuple[Path, int]:
    from transformers import GraniteConfig, GraniteForCausalLM

    from rlstack.config.model import ModelConfig
    from rlstack.models.source import resolve

    head = shape["hidden_size"] // shape["num_attention_heads"]
    config = GraniteConfig(
        **shape, attention_multiplier=head**-0.5, tie_word_embeddings=True, max_position_embeddings=1024,
        bos_token_id=0, eos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    model = GraniteForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer = resolve(ModelConfig(name="tiny", path="builtin:tiny-tokenizer"))
    for file in tokenizer.glob("*.json"):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder, sum(p.numel() * 4 for p in model.parameters())


if __name__ == "__main__":
    main()
