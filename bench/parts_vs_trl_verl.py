"""Collation, balancing, advantages and loss: ours against TRL's and verl's own functions, on the same tensors.

    make setup EXTRAS=bench                 # TRL
    python bench/parts_vs_trl_verl.py       # installs verl and what it imports into .bench/verl

One process, one thread, CPU. Each round times every side once; a ratio is theirs over ours, above 1 we are faster,
median over the rounds (smallest to largest). Results are compared first: a faster wrong answer counts nothing.

- collation: 256 samples of 16 prompts with log-normal lengths → what a model is called with. Ours packs, shares
  prompts and lays out the attention; TRL's `pad` and verl's `pad_2d_list_to_length` fill rectangles. The tokens that
  then go through the model are shown: that is where the time is.
- balancing: 16,384 lengths over 8 ranks and into micro-batches of 16,384 tokens. verl: its Karmarkar-Karp, over ranks
  and then within each. TRL has none.
- advantages: GRPO on 1,024 samples of 64 prompts. verl's take [samples, tokens]. TRL's are inside its trainer.
- loss: DAPO with KL k3 and the policy's metrics, forward and backward to the log-probs. TRL:
  `GRPOTrainer._compute_loss` on a stand-in for the trainer; verl: `compute_policy_loss`, `kl_penalty`, `agg_loss`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".bench" / "verl"
PACKAGES = ("verl==0.9.1", "tensordict==0.10.0", "codetiming==1.4.0", "pyvers==0.2.3", "torchdata==0.11.0")
_TRIES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", nargs="+", default=["collation", "balancing", "advantages", "loss"])
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", TORCHDYNAMO_DISABLE="1", CUDA_VISIBLE_DEVICES="")
    import torch

    torch.set_num_threads(1)
    sides = available()
    from parts import advantages, balancing, collation, loss

    print(f"load average {os.getloadavg()[0]:.2f}, one thread, {', '.join(sides)}")
    for part in options.parts:
        module = {"collation": collation, "balancing": balancing, "advantages": advantages, "loss": loss}[part]
        actions, said = module.prepare(sides)
        compare(part, actions, options.rounds, said)


def available() -> tuple[str, ...]:
    """`ours`, and those of TRL and verl that can be imported; says why one cannot."""
    found = ["ours"]
    try:
        import trl

        found.append("trl")
        print(f"TRL {trl.__version__}")
    except ImportError as error:
        print(f"TRL is left out ({error}): make setup EXTRAS=bench")
    if reason := install():
        print(f"verl is left out: {reason}")
        return tuple(found)
    sys.path.append(str(FOLDER))  # last: nothing of it takes the place of an installed package
    try:
        from verl.trainer.ppo import core_algos  # noqa: F401
        from verl.utils import seqlen_balancing  # noqa: F401
    except Exception as error:  # someone else's import: anything
        print(f"verl is left out: it cannot be imported here ({type(error).__name__}: {error})")
        return tuple(found)
    print(PACKAGES[0].replace("==", " "))
    return (*found, "verl")


def install() -> str:
    """Puts verl into `FOLDER`, once; returns why it could not after three tries, or nothing."""
    done = FOLDER / ".complete"
    if done.exists():
        return ""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER), "--upgrade"]
    for _ in range(_TRIES):
        tried = subprocess.run([*command, *PACKAGES], capture_output=True, text=True)
        if tried.returncode == 0:
            done.touch()
            return ""
        time.sleep(2)
    lines = (tried.stderr or tried.stdout).strip().splitlines() or ["no message"]
    return f"pip could not install it, three times: {lines[-1]}"


def compare(part: str, actions: Mapping[str, Callable[[], object]], rounds: int, said: str) -> None:
    seconds: dict[str, list[float]] = {side: [] for side in actions}
    for number in range(rounds + 1):
        order = list(actions) if number % 2 else list(actions)[::-1]
        for side in order:
            started = time.perf_counter()
            actions[side]()
            if number:  # the first round warms up
                seconds[side].append(time.perf_counter() - started)
    print(f"{part}: {said}")
    for side, taken in seconds.items():
        line = f"  {side:18} {1000 * statistics.median(taken):9.2f} ms"
        if side != "ours":
            ratios = [a / b for a, b in zip(taken, seconds["ours"], strict=True)]
            line += f"   theirs / ours {statistics.median(ratios):6.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(line)


if __name__ == "__main__":
    main()
