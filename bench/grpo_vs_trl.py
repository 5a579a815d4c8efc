"""GRPO end to end, ours against TRL's `GRPOTrainer`, step by step in turns; and ours against bare vLLM.

    python bench/grpo_vs_trl.py                         # 8 prompts x 16 samples x 128 tokens, 6 pairs
    python bench/grpo_vs_trl.py --lengths real
    python bench/grpo_vs_trl.py --sides ours bare       # the breakdown of our own step, and bare vLLM

Needs the extra `bench` (TRL 1.16) unless `--sides` leaves `trl` out. Both sides load one folder, take the same
prompts in the same order, sample as many answers per prompt with the same limit at temperature 1, judge them with one
and the same function, and make one float32 update per step with the DAPO loss and a KL term (beta 0.05) against a
frozen copy of the start. They alternate, and never work at the same time; who goes first changes from pair to pair, so
take an even number. TRL gets one or two threads, whichever is faster for it when alone: its first steps try both.
A pair's ratio is that of trained completion tokens per second of the whole step, ours over TRL's. The first pair
warms up and is not counted. Our step is the RL stage's own, rollouts written to disk and weights verified after
every sync; it only never commits a checkpoint.

`--lengths equal`: nothing can end an answer before the limit, on both sides (see bench/grpo/checkpoint.py).
`--lengths real`: the model ends its answers by itself, so both sides draw lengths from one law. A trained model
(`--model`) brings its own. Random weights get a set of end tokens such that answers are `--mean-length` tokens long
on average, geometrically distributed, which spreads them as widely as a log-normal law of sigma 0.83 does.

Bare vLLM is `LLM.generate` on the same prompts with our own sampling parameters (n, log-probs of the sampled tokens,
seeds; and once without seeds), called inside our engine processes between the steps, from an empty prefix cache.

CPU seconds (of all processes of a side) are shown beside wall time: on a busy machine they are the steadier figure.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grpo import checkpoint, ours, theirs
from grpo.ours import Bare, Machine, Ours, Work

_DEADLINE_S = 600.0
NINE = ["chat", "icl", "instruction", "logic", "math", "science", "sql", "structured", "temporal"]
_PHASES = ("rollout", "judging", "learn", "sync")


@dataclass(frozen=True, slots=True)
class Pair:
    """One step of each side, one after the other. `trl` and the bare calls may have been left out."""

    ours: Mapping[str, float]  # the stage's metrics of the step, and cpu_s
    trl: theirs.TrlStep | None
    seeded: Bare | None
    unseeded: Bare | None
    load: float  # of the machine, one minute

    @property
    def speed(self) -> float:
        return self.ours["speed/tokens"] / self.ours["seconds/step"]

    @property
    def trl_speed(self) -> float:
        assert self.trl is not None
        return self.trl.tokens / self.trl.seconds

    @property
    def ratio(self) -> float:
        return self.speed / self.trl_speed

    @property
    def cpu_ratio(self) -> float:
        """Of trained tokens per CPU second."""
        assert self.trl is not None
        return (self.ours["speed/tokens"] / self.ours["cpu_s"]) / (self.trl.tokens / self.trl.cpu_s)

    @property
    def rollout_speed(self) -> float:
        return self.ours["speed/tokens"] / self.ours["seconds/rollout"]

    def of_bare(self, bare: Bare) -> float:
        """Our rollout phase over a bare call, in tokens per second."""
        return self.rollout_speed / (bare.tokens / bare.seconds)

    def phases(self) -> dict[str, float]:
        """Seconds of each part of our step; `rest` is what the others leave: batch, packing plan, writing rollouts."""
        named = {name: self.ours[f"seconds/{name}"] for name in _PHASES}
        return {**named, "rest": self.ours["seconds/step"] - sum(named.values())}

    def line(self, number: int) -> str:
        parts = " ".join(f"{name} {seconds:.2f}" for name, seconds in self.phases().items())
        text = f"pair {number}: ours {self.speed:6.0f} tok/s in {self.ours['seconds/step']:.2f} s ({parts})"
        if self.trl is not None:
            rest = self.trl.seconds - self.trl.generate_s
            text += (
                f"; TRL {self.trl_speed:6.0f} tok/s in {self.trl.seconds:.2f} s "
                f"(generation {self.trl.generate_s:.2f} rest {rest:.2f}); ratio {self.ratio:.2f}"
            )
        for label, bare in (("bare vLLM", self.seeded), ("unseeded", self.unseeded)):
            if bare is not None:
                text += f"; {label} {bare.tokens / bare.seconds:.0f} tok/s, ours {self.of_bare(bare):.2f} of it"
        return f"{text}; load {self.load:.1f}"


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Medians over the counted pairs; of ratios, the median of the pairs' own ratios, with the extremes."""
    facts: dict[str, Any] = {
        "pairs": len(pairs),
        "load": [min(p.load for p in pairs), max(p.load for p in pairs)],
        "ours_tok_s": statistics.median(p.speed for p in pairs),
        "ours_tokens": statistics.median(p.ours["speed/tokens"] for p in pairs),
        "ours_reward": statistics.fmean(p.ours["reward/mean"] for p in pairs),
        "ours_cpu_s": statistics.median(p.ours["cpu_s"] for p in pairs),
        "ours_step_s": statistics.median(p.ours["seconds/step"] for p in pairs),
        "ours_phases_s": {name: statistics.median(p.phases()[name] for p in pairs) for name in (*_PHASES, "rest")},
        "ours_rollout_tok_s": statistics.median(p.rollout_speed for p in pairs),
    }
    if trl := [p.trl for p in pairs if p.trl is not None]:
        facts |= {
            "trl_tok_s": statistics.median(p.trl_speed for p in pairs),
            "trl_tokens": statistics.median(t.tokens for t in trl),
            "trl_reward": statistics.fmean(t.reward for t in trl),
            "trl_cpu_s": statistics.median(t.cpu_s for t in trl),
            "trl_step_s": statistics.median(t.seconds for t in trl),
            "trl_phases_s": {
                "generation": statistics.median(t.generate_s for t in trl),
                "rest": statistics.median(t.seconds - t.generate_s for t in trl),
            },
            "ratio": _spread([p.ratio for p in pairs]),
            "cpu_ratio": _spread([p.cpu_ratio for p in pairs]),
        }
    for label in ("seeded", "unseeded"):
        bare = [(p, b) for p in pairs if (b := getattr(p, label)) is not None]
        if bare:
            facts[f"bare_{label}_tok_s"] = statistics.median(b.tokens / b.seconds for _, b in bare)
            facts[f"of_bare_{label}"] = _spread([p.of_bare(b) for p, b in bare])
    return facts


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def table(facts: Mapping[str, Any]) -> str:
    def spread(key: str) -> str:
        return f"{facts[key]['median']:.2f} ({facts[key]['min']:.2f}-{facts[key]['max']:.2f})"

    def shares(phases: Mapping[str, float], whole: float) -> str:
        return ", ".join(f"{name} {seconds:.2f} s ({seconds / whole:.0%})" for name, seconds in phases.items())

    low, high = facts["load"]
    lines = [f"median of {facts['pairs']} pairs, load {low:.1f}-{high:.1f} on {os.cpu_count()} cores"]
    for side, label in (("ours", "ours"), ("trl", "TRL ")):
        if f"{side}_tok_s" in facts:
            lines.append(
                f"{label}  {facts[f'{side}_tok_s']:7.0f} trained tok/s; a step: {facts[f'{side}_tokens']:.0f} tokens, "
                f"{facts[f'{side}_step_s']:.2f} s, {facts[f'{side}_cpu_s']:.2f} CPU s, "
                f"reward {facts[f'{side}_reward']:.3f}: " + shares(facts[f"{side}_phases_s"], facts[f"{side}_step_s"])
            )
    if "ratio" in facts:
        lines.append(f"ours / TRL, trained tokens per second      {spread('ratio')}")
        lines.append(f"ours / TRL, trained tokens per CPU second  {spread('cpu_ratio')}")
    for label in ("seeded", "unseeded"):
        if f"of_bare_{label}" in facts:
            lines.append(
                f"rollout phase / bare vLLM, {label:<9}       {spread(f'of_bare_{label}')}   "
                f"({facts['ours_rollout_tok_s']:.0f} / {facts[f'bare_{label}_tok_s']:.0f} tok/s)"
            )
    return "\n".join(lines)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny", help="tiny, tiny-random, or a folder with a checkpoint")
    parser.add_argument("--lengths", choices=("equal", "real"), default="equal")
    parser.add_argument("--mean-length", type=int, default=40, help="of --lengths real with random weights")
    parser.add_argument("--envs", nargs="+", help="of the prompts; default: math, or nine for --lengths real")
    parser.add_argument("--prompts", type=int, help="of a step; default: 8, or 9 for --lengths real: one of each env")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=128, help="longest completion")
    parser.add_argument("--pairs", type=int, default=6, help="counted ones; one more warms up")
    parser.add_argument("--sides", nargs="+", choices=("ours", "bare", "trl"), default=["ours", "bare", "trl"])
    parser.add_argument("--engines", type=int, default=2)
    parser.add_argument("--learners", type=int, default=2)
    parser.add_argument("--micro-tokens", type=int, default=8192, help="of a forward pass of one of our learners")
    parser.add_argument("--trl-threads", type=int, help="default: 1 or 2, with which it is faster when alone")
    parser.add_argument("--trl-batch", type=int, help="sequences of a forward pass of TRL; all at once by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write every pair and the summary here")
    options = parser.parse_args(argv)
    options.envs = options.envs or (["math"] if options.lengths == "equal" else NINE)
    options.prompts = options.prompts or (9 if options.lengths == "real" else 8)
    options.trl_batch = options.trl_batch or options.prompts * options.samples
    if options.prompts * options.samples % options.trl_batch:
        parser.error(f"--trl-batch {options.trl_batch} does not divide {options.prompts} x {options.samples}")
    return options


def main() -> None:
    options = parse()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of this process; the others get their own
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory(prefix="grpo-vs-trl-") as name:
        pairs = measure(options, Path(name))
    facts = summary(pairs)
    print(f"{settings(options)}\n{table(facts)}")
    if options.json:
        options.json.write_text(json.dumps({"summary": facts, "pairs": [asdict(p) for p in pairs]}, indent=1))


def settings(options: argparse.Namespace) -> str:
    """One line: under what conditions the figures were taken."""
    trl = f", TRL with {options.trl_threads} thread(s) and {options.trl_batch} rows at once"
    return (
        f"model={options.model}, {options.lengths} lengths, {options.prompts} prompts x {options.samples} samples x "
        f"{options.tokens} tokens of {', '.join(options.envs)}; {options.engines} engines and {options.learners} "
        f"learners with one thread each{trl if 'trl' in options.sides else ''}"
    )


def measure(options: argparse.Namespace, folder: Path) -> list[Pair]:
    """Starts both sides, takes the steps in turns, prints each pair as it comes."""
    model = _model(options, folder / "model")
    steps = options.pairs + 1
    work = Work(
        model, tuple(options.envs), options.prompts, options.samples, options.tokens, steps=steps, seed=options.seed
    )
    machine = Machine(options.engines, options.learners, options.micro_tokens)
    pairs = []
    with ExitStack() as stack:
        mine = stack.enter_context(ours.opened(work, machine, folder))
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # after Ray, which puts its own handler there
        trl = None
        if "trl" in options.sides:
            side = theirs.opened(
                work, mine, folder / "trl", threads=options.trl_threads, batch=options.trl_batch, deadline=_DEADLINE_S
            )
            trl = stack.enter_context(side)
            options.trl_threads = trl.threads
        for step in range(steps):
            pair = _pair(mine, trl, step, bare="bare" in options.sides)
            print(pair.line(step) + ("" if step else "; warm-up, not counted"), flush=True)
            pairs.append(pair)
    return pairs[1:]


def _model(options: argparse.Namespace, target: Path) -> Path:
    from rlstack.config.compose import compose
    from rlstack.models.source import resolve

    model = compose(["recipe=single", "env=math", f"model={options.model}"]).model
    mean_length = options.mean_length if model.path is None else None
    return checkpoint.prepare(resolve(model), target, options.lengths, mean_length)


def _pair(mine: Ours, trl: theirs.Theirs | None, step: int, *, bare: bool) -> Pair:
    turns = {
        "trl": lambda: trl.step() if trl else None,
        "ours": lambda: mine.step(step),
        "seeded": lambda: mine.bare(step, seeded=True) if bare else None,
        "unseeded": lambda: mine.bare(step, seeded=False) if bare else None,
    }
    names = list(turns) if step % 2 else list(reversed(turns))
    done: dict[str, Any] = {name: turns[name]() for name in names}
    return Pair(**done, load=os.getloadavg()[0])


if __name__ == "__main__":
    main()
