"""Called by bench/gpu.sh: the peak of a GPU, and tokens/s, MFU and phases from a run's metrics.

    python bench/gpu_report.py --peak FILE                  # measures, prints and saves FLOP/s
    python bench/gpu_report.py RUN_DIR PEAK_FILE WORDS...   # of a finished run, the first step left out

MFU: FLOPs of the update, counted by `rlstack plan` from the lengths that were trained, over its seconds, the ranks and
the measured peak. Published peaks are higher than what a matrix product reaches, so this is not a data sheet's MFU.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_PHASES = ("rollout", "judging", "learn", "sync", "commit", "step")


def main(argv: Sequence[str]) -> int:
    if len(argv) == 2 and argv[0] == "--peak":
        found = peak()
        Path(argv[1]).write_text(str(found))
        print(f"{found / 1e12:.0f} TFLOP/s in products of 8192 x 8192, bfloat16")
        return 0
    if len(argv) < 3:
        print(__doc__)
        return 2
    file = Path(argv[1])
    report(Path(argv[0]), float(file.read_text()) if file.exists() else None, argv[2:])
    return 0


def peak(size: int = 8192, repeats: int = 20) -> float:
    import torch

    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        torch.cuda.synchronize()
        started = time.perf_counter()
        torch.mm(a, b)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def report(run: Path, peak_flops: float | None, words: Sequence[str]) -> None:
    from rlstack.config.compose import compose
    from rlstack.config.rl import RLStage
    from rlstack.forecast.work import Work, learner_flops
    from rlstack.plan import dimensions

    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][1:]
    if not rows:
        raise SystemExit(f"{run}: needs two steps or more, the first one warms up")
    config = compose(list(words))
    stage, dims = next(s for s in config.stages.values() if isinstance(s, RLStage)), dimensions(config.model)
    middle = {name: statistics.median(row[f"seconds/{name}"] for row in rows) for name in _PHASES}
    tokens = statistics.median(row["speed/tokens"] for row in rows)
    print("seconds: " + ", ".join(f"{name} {seconds:.3f}" for name, seconds in middle.items()))
    print(f"trained tokens/s {tokens / middle['step']:,.0f}; update alone {tokens / middle['learn']:,.0f}")
    print(f"largest |log-prob gap| {max(row['gap/max'] for row in rows):.3g} nats")
    if dims is not None and peak_flops:
        mean = tokens / stage.prompts_per_step / stage.sampling.samples_per_prompt
        flops = learner_flops(dims, Work.of(stage, 0.0, mean))  # without the prompts' own tokens: a lower bound
        share = flops / middle["learn"] / config.cluster.learners / peak_flops
        print(f"update: {flops:.3g} FLOPs, MFU {share:.1%} of the measured peak, prompts not counted")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
