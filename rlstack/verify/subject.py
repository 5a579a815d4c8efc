"""What is verified: the engines and learners that a run of this configuration would start, on live processes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rlstack.cluster.groups import Learners
from rlstack.cluster.processes import processes
from rlstack.config.cluster import ClusterConfig
from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.data.prompts import eval_prompts, quotas
from rlstack.learner.objective import PolicyObjective
from rlstack.rundir import RunDir
from rlstack.stages.collect import asks
from rlstack.stages.context import StageContext, logs_of
from rlstack.stages.rl_parts import Parts, open_parts
from rlstack.track.trackers import Trackers
from rlstack.types import Prompt, Sample
from rlstack.verify.report import Tolerance
from rlstack.verify.size import Size, rl_stage
from rlstack.view.display import Display


@dataclass(frozen=True)
class Subject:
    parts: Parts
    prompts: Sequence[Prompt]
    folder: Path  # for logs and the learners' meeting points
    size: Size

    @property
    def stage(self) -> RLStage:
        return self.parts.stage

    @property
    def cluster(self) -> ClusterConfig:
        return self.parts.cluster

    @property
    def learners(self) -> Learners:
        return self.parts.learners

    @property
    def temperature(self) -> float:
        return self.stage.sampling.temperature

    @property
    def objective(self) -> PolicyObjective:
        return PolicyObjective(self.stage.loss, self.stage.kl, self.temperature)

    @property
    def tolerance(self) -> Tolerance:
        return Tolerance.of(self.cluster.dtype)

    def sample(self, label: str, *, backwards: bool = False) -> list[Sample]:
        """Answers of the engines under their present weights; the randomness is a function of `label`."""
        requests = asks(
            self.prompts,
            self.parts.encode,
            self.stage.sampling,
            samples=self.stage.sampling.samples_per_prompt,
            temperature=self.temperature,
            seed=f"verify/{label}",
        )
        groups = self.parts.engines.generate(requests[::-1] if backwards else requests)
        return [sample for group in groups for sample in group]

    def fingerprints(self) -> list[int]:
        """Of each engine's weights."""
        return self.parts.engines.client().fingerprints()

    @contextmanager
    def other_ranks(self, ranks: int) -> Iterator[Learners]:
        """A second group of learners with another number of ranks, from the same checkpoint."""
        store = self.folder / f"learners-{ranks}-{time.monotonic_ns()}"
        cluster = self.cluster.model_copy(update={"learners": ranks})
        with processes(cluster, self.folder / "logs" / f"{ranks}-ranks", engines=False) as started:
            learners = Learners(self.learners.spec, cluster, started.learners, str(store))
            learners.ready()
            yield learners
            learners.close()


@contextmanager
def open_subject(config: RunConfig, model: Path, size: Size, folder: Path, display: Display) -> Iterator[Subject]:
    """Starts everything and takes it down again; logs of the processes go to `folder`/run/logs.

    Inside a `session` of Ray, which must be open before this module is imported.
    """
    name, stage = rl_stage(config, size)
    config = config.model_copy(update={"stages": {name: stage}})
    run_dir = RunDir(folder / "run", config.model_dump(mode="json"))
    trackers = Trackers((), run_dir.path, {}, display.say)
    try:
        with (
            processes(config.cluster, logs_of(run_dir, name), engines=True) as started,
            open_parts(
                stage, StageContext(name, config, model, run_dir, display, trackers, time.time(), started)
            ) as parts,
        ):
            counts = quotas({name: share.weight for name, share in stage.envs.items()}, stage.prompts_per_step)
            prompts = [p for s in parts.sources for p in eval_prompts(s.env, counts[s.env.name], s.level)]
            yield Subject(parts, prompts, folder, size)
    finally:
        run_dir.close()
