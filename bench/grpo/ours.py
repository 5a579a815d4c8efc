"""Our side: the RL stage's own step on real actors, and a bare vLLM call inside the very same engines."""

from __future__ import annotations

import functools
import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from rlstack.config.cluster import ClusterConfig
from rlstack.config.model import ModelConfig
from rlstack.config.optim import OptimConfig
from rlstack.config.rl import CheckpointConfig, EnvShare, KLConfig, RLStage, SamplingConfig
from rlstack.config.run import RunConfig

VOWELS = Path(__file__).with_name("vowels.py")
NAME = "bench"
_ENDLESS = 10**6  # steps of the stage: it never comes to its last one, nor to a checkpoint


@dataclass(frozen=True)
class Work:
    """What both sides do in a step."""

    model: Path
    envs: tuple[str, ...]
    prompts: int
    samples: int
    tokens: int
    steps: int
    beta: float = 0.05
    lr: float = 1e-6
    seed: int = 0


@dataclass(frozen=True)
class Machine:
    engines: int
    learners: int
    micro_tokens: int


@dataclass(frozen=True, slots=True)
class Bare:
    """A plain `LLM.generate` on the prompts of a step."""

    seconds: float
    tokens: int


def configuration(work: Work, machine: Machine, folder: Path) -> RunConfig:
    stage = RLStage(
        envs={env: EnvShare(rewards={str(VOWELS): 1.0}) for env in work.envs},
        steps=_ENDLESS,
        prompts_per_step=work.prompts,
        sampling=SamplingConfig(samples_per_prompt=work.samples, max_tokens=work.tokens, context=512 + work.tokens),
        kl=KLConfig(beta=work.beta),
        optim=OptimConfig(lr=work.lr, betas=(0.9, 0.95), grad_clip=1.0),
        checkpoint=CheckpointConfig(every=_ENDLESS),
    )
    cluster = ClusterConfig(
        name="bench", device="cpu", engines=machine.engines, learners=machine.learners, threads=1,
        kv_cache_bytes=256 * 2**20, micro_tokens=machine.micro_tokens,
    )  # fmt: skip
    return RunConfig(
        recipe=NAME,
        model=ModelConfig(name=NAME, path=str(work.model), chat_template="tokenizer"),
        cluster=cluster,
        stages={NAME: stage},
        seed=work.seed,
        run_dir=str(folder),
    )


class Ours:
    def __init__(self, parts: Any) -> None:
        from rlstack.stages import rl
        from rlstack.stages.ahead import Ahead

        self._parts = parts
        self._ahead = Ahead(functools.partial(rl._rollouts, parts), parts.engines.stop)
        self._processes = tree_of(os.getpid(), [m.pid for m in (*parts.engines._members, *parts.learners._members)])

    def prompts(self, step: int) -> list[Any]:
        from rlstack.data.stream import step_prompts

        return list(step_prompts(self._parts.gathering.supply, self._position(step))[0])

    def _position(self, step: int) -> Any:
        """Where step `step` begins in the endless stream of the one env."""
        from rlstack.data.stream import Position

        return Position(next={name: step * count for name, count in self._parts.gathering.supply.quotas.items()})

    def encode(self, prompt: Any) -> tuple[int, ...]:
        return self._parts.encode(prompt)

    def step(self, step: int) -> dict[str, float]:
        """The whole step of the stage: rollouts, judging, sealing them to disk, update, verified weight sync."""
        from rlstack.stages import rl

        cpu = cpu_seconds(self._processes)
        carried = rl._Carried(self._position(step), self._parts.stage.kl.beta)
        metrics = dict(rl._step(self._parts, self._ahead, step, carried)[0].metrics)
        return {**metrics, "cpu_s": cpu_seconds(self._processes) - cpu}

    def bare(self, step: int, *, seeded: bool) -> Bare:
        """The requests of `step` once more, by `LLM.generate` alone, in all engines at once, from empty caches.

        With the step's own seeds, so that lengths are those of the step as far as the weights still agree.
        """
        import ray

        from rlstack.stages.collect import asks

        sampling, engines = self._parts.stage.sampling, self._parts.engines._members
        requests = asks(
            self.prompts(step), self._parts.encode, sampling, samples=sampling.samples_per_prompt,
            temperature=sampling.temperature, seed=f"{self._parts.ctx.config.seed}/{NAME}/{step}",
        )  # fmt: skip
        refs = [
            member.handle.__ray_call__.remote(_bare(), requests[i :: len(engines)], seeded)
            for i, member in enumerate(engines)
        ]
        results = ray.get(refs, timeout=self._parts.cluster.deadlines.rollout)
        return Bare(max(seconds for seconds, _ in results), sum(tokens for _, tokens in results))


def _bare() -> Any:
    """Ray sends an inner function by value: this file is not on the actors' path."""

    def call(shell: Any, asks: Sequence[Any], seeded: bool) -> tuple[float, int]:
        from time import perf_counter

        engine = shell._engine
        prompts = [{"prompt_token_ids": list(ask.prompt_ids)} for ask in asks]
        params = [engine._params(ask, ask.max_tokens) for ask in asks]
        if not seeded:
            for param in params:
                param.seed = None
        engine.llm.reset_prefix_cache()
        started = perf_counter()
        outputs = engine.llm.generate(prompts, params, use_tqdm=False)
        seconds = perf_counter() - started
        engine.llm.reset_prefix_cache()
        return seconds, sum(len(completion.token_ids) for output in outputs for completion in output.outputs)

    return call


@contextmanager
def opened(work: Work, machine: Machine, folder: Path) -> Iterator[Ours]:
    """Ray, engines, learners and the scoring pool, as a run has them; weights of version 0 in the engines."""
    from rich.console import Console

    from rlstack.cluster.session import session
    from rlstack.rundir import RunDir
    from rlstack.stages.context import StageContext, logs_of
    from rlstack.track.trackers import Trackers
    from rlstack.view.display import Display

    config = configuration(work, machine, folder / "run")
    run_dir = RunDir(folder / "run", config.model_dump(mode="json"))
    display = Display(Console(file=io.StringIO()))
    stage = config.stages[NAME]
    assert isinstance(stage, RLStage)
    try:
        with session(config.cluster):
            from rlstack.cluster.processes import processes  # imports Ray, which reads its environment then
            from rlstack.stages.rl_parts import open_parts

            trackers = Trackers((), run_dir.path, {}, display.say)
            facts = (NAME, config, work.model, run_dir, display, trackers, time.time())
            with (
                processes(config.cluster, logs_of(run_dir, NAME), engines=True) as started,
                open_parts(stage, StageContext(*facts, started)) as parts,
            ):
                parts.learners.sync(0, verify=True)
                yield Ours(parts)
    finally:
        run_dir.close()


def tree_of(root: int, actors: Sequence[int]) -> tuple[psutil.Process, ...]:
    """A process and all its descendants; looks again until `actors` are among them, for a walk may miss some."""
    for _ in range(20):
        process = psutil.Process(root)
        found = (process, *process.children(recursive=True))
        if set(actors) <= {p.pid for p in found}:
            return found
        time.sleep(0.1)
    raise RuntimeError(f"processes {actors} do not all descend from process {root}")


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time so far of those that still live."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total
