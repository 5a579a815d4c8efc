"""How cost grows: with ranks, batch, length and model size. Ratios and exponents, from one run on one machine.

    python bench/cost_growth.py                     # everything, about five minutes on two quiet cores
    python bench/cost_growth.py --part batch        # ranks, batch, length or memory

ranks:  trained tokens/s of each of two learner ranks over that of one rank alone.
batch:  seconds of an update and of its rollouts, 64 to 1,024 samples of 32 + 64 tokens; exponent 1 is proportional.
length: the same, 16 samples, 128 to 2,048 tokens. Attention makes it more than proportional at last.
memory: what one rank takes above an empty process, 0.9M to 135M parameters, against the 20 bytes a parameter of
        weights, gradients, two moments and reference in float32.
Random weights, one thread a process, no Ray. An exponent is the slope of a straight line through the logarithms.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_PARTS = ("ranks", "batch", "length", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=_PARTS, default=list(_PARTS))
    parser.add_argument("--shape", default="tiny", help="of ranks, batch and length (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    from cost.shapes import save

    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}, shape {options.shape}, one thread a process")
    with tempfile.TemporaryDirectory() as folder:
        model = save(options.shape, Path(folder) / options.shape)
        for part in options.part:
            if part == "memory":
                memory(Path(folder))
            else:
                {"ranks": ranks, "batch": batch, "length": length}[part](model, options.repeats)


def ranks(model: Path, repeats: int) -> None:
    from cost.load import Load
    from cost.processes import updates

    load = Load(16, 16, 32, 64)
    one, two = (updates(model, [load], ranks=n, repeats=max(3, repeats))[0].seconds for n in (1, 2))
    print(f"ranks: {load.rows} samples; 1 rank {load.trained / one:,.0f} tokens/s, 2 ranks {load.trained / two:,.0f}")
    print(f"  tokens/s per rank, 2 over 1: {one / two / 2:.2f}")


def batch(model: Path, repeats: int) -> None:
    from cost.load import Load

    _growth("batch", "samples", model, [Load(n // 16, 16, 32, 64) for n in (64, 128, 256, 512, 1024)], repeats)


def length(model: Path, repeats: int) -> None:
    from cost.load import Load

    _growth("length", "tokens", model, [Load(2, 8, 32, n - 32) for n in (128, 256, 512, 1024, 2048)], repeats)


def _growth(part: str, unit: str, model: Path, loads: Sequence, repeats: int) -> None:
    from cost.processes import rollouts, updates

    sizes = [load.rows if part == "batch" else load.prompt_tokens + load.completion_tokens for load in loads]
    learn = [taken.seconds for taken in updates(model, loads, repeats=repeats)]
    roll = rollouts(model, loads, repeats=repeats)
    print(f"{part}: {unit} | update s | rollouts s | trained tokens/s of update, rollouts")
    for size, load, a, b in zip(sizes, loads, learn, roll, strict=True):
        print(f"  {size:5d} | {a:7.2f} | {b:7.2f} | {load.trained / a:,.0f}, {load.trained / b:,.0f}")
    both = [a + b for a, b in zip(learn, roll, strict=True)]
    times = sizes[-1] // sizes[0]
    for name, seconds in (("update", learn), ("rollouts", roll), ("both", both)):
        last = float(np.log2(seconds[-1] / seconds[-2]))
        print(
            f"  {name}: x{times} costs x{seconds[-1] / seconds[0]:.1f}, exponent {exponent(sizes, seconds):.2f}, "
            f"{last:.2f} at the last doubling"
        )


def memory(folder: Path) -> None:
    from cost.load import Load
    from cost.processes import updates
    from cost.shapes import SHAPES, save

    load, parameters, resident = Load(2, 4, 16, 32), [], []
    print("memory: parameters | resident, bytes a parameter | at the peak of an update")
    for name in SHAPES:
        model = folder / name if (folder / name).exists() else save(name, folder / name)
        parameters.append((model / "model.safetensors").stat().st_size // 4)
        (taken,) = updates(model, [load], micro_tokens=512, repeats=1)
        resident.append(taken.resident)
        print(
            f"  {parameters[-1] / 1e6:6.1f}M | {taken.resident / 2**20:7.0f} MiB, "
            f"{taken.resident / parameters[-1]:5.1f} | {taken.peak / 2**20:7.0f} MiB"
        )
    slope = (resident[-1] - resident[-2]) / (parameters[-1] - parameters[-2])
    print(f"  between the two largest: {slope:.1f} bytes a parameter")


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """b of the power law seconds = a size^b that fits best."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


if __name__ == "__main__":
    main()
