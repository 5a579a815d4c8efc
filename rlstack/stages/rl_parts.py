"""What an RL stage works with: started side by side, torn down together."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.cluster.groups import Engines, Learners, RewardScorer
from rlstack.cluster.scoring import open_pool
from rlstack.config.cluster import ClusterConfig
from rlstack.config.rl import RLStage
from rlstack.data.prompts import EVAL_SEED, Source, draw, load_sources
from rlstack.data.stream import Supply
from rlstack.errors import ConfigError, RlstackError
from rlstack.learner.learner import LearnerSpec
from rlstack.models.chat import load_tokenizer, render, render_reply, stop_ids
from rlstack.plan import pair_cost
from rlstack.plugins import reward_label
from rlstack.rollout.conversation import Rules
from rlstack.rollout.engine import EngineSpec
from rlstack.scoring import judges, shaping
from rlstack.scoring.judges import Judges
from rlstack.scoring.pool import Pool
from rlstack.scoring.probe import JUNK, probe
from rlstack.stages.context import StageContext
from rlstack.stages.gather import Gathering
from rlstack.stages.model_spec import model_spec
from rlstack.stages.rl_batch import Rewards
from rlstack.startup import uncollected
from rlstack.types import Group, Prompt

_PROBED = 2  # rows of each env


@dataclass(frozen=True)
class Parts:
    stage: RLStage
    ctx: StageContext
    sources: tuple[Source, ...]
    encode: Callable[[Prompt], tuple[int, ...]]
    pools: tuple[Pool, ...]  # of scoring, one for each node that judges
    judges: Judges  # all of them as one, and the reward model where there is one
    engines: Engines
    learners: Learners
    rewards: Rewards  # env → reward name → weight
    rules: Rules  # of conversations

    @property
    def cluster(self) -> ClusterConfig:
        return self.ctx.config.cluster

    @property
    def full_score(self) -> dict[str, float]:
        """The best score of each env; a reward model's scalar has no best, above 0 is enough."""
        ruled = judges.by_rule(self.rewards)
        return {env: sum(w for w in ruled.get(env, {}).values() if w > 0) for env in self.rewards}

    @functools.cached_property
    def pair_cost(self) -> float:
        """What a pair of tokens costs in attention, for balancing the learners."""
        return pair_cost(self.ctx.config.model)

    @functools.cached_property
    def gathering(self) -> Gathering:
        """What the groups of this stage go by."""
        stage, full = self.stage, self.full_score
        supply = Supply.of_stage(self.sources, stage, self.ctx.config.seed, self.ctx.name)
        parts = self.rewards if stage.advantage.combine == "after" else {}

        def credit(group: Group) -> Group:
            env = group.prompt.env
            return shaping.credited(group, stage.envs[env], stage.sampling, full[env])

        return Gathering(supply, credit, full, stage.sampling.refill, parts)

    def verifies(self, version: int) -> bool:
        """Whether the fingerprints of both sides are compared at this sync."""
        return version <= 1 or version % self.stage.guard.verify_every == 0

    def probe(self, step: int) -> None:
        """Gold and junk through every live pool, other rows at every step. Raises ScoringError when it misjudges.

        Rewards that a recipe adds to an env's own owe its gold nothing, and an ugly text may rightly have a form.
        """
        ruled = judges.by_rule(self.rewards)
        for env, level in [(source.env, source.level) for source in self.sources if source.env.name in ruled]:
            rows = [draw(env, "eval", step * _PROBED + i, level, EVAL_SEED)[1] for i in range(_PROBED)]
            own = labelled(env.rewards)
            owed = None if self.rewards[env.name] == own else own
            junk = () if env.facts.get("judges") == "form" else JUNK
            for pool in self.pools:
                probe(pool, env.name, rows, owed=owed, junk=junk)

    def engines_asleep(self) -> AbstractContextManager[None]:
        """Engines that share GPUs with the learners give their memory back meanwhile."""
        return _asleep(self.engines) if self.cluster.colocate else contextlib.nullcontext()


@contextmanager
def open_parts(stage: RLStage, ctx: StageContext) -> Iterator[Parts]:
    """Engines and learners load their models on other processes; meanwhile this one prepares the rest."""
    config = ctx.config
    with contextlib.ExitStack() as stack:
        with uncollected():
            tokenizer = load_tokenizer(config.model, ctx.model)
            stops = stop_ids(tokenizer, ctx.model)
            ctx.display.phase("starting engines and learners")
            engines = Engines(_engine_spec(stage, ctx, stops), config.cluster, ctx.processes.engines)
            store = stack.enter_context(_store(ctx.run_dir.path))
            learners = Learners(_learner_spec(stage, ctx), config.cluster, ctx.processes.learners, store)
            sources = load_sources(stage.envs, f"stages.{ctx.name}.envs")
            rewards = {s.env.name: dict(stage.envs[s.env.name].rewards or s.env.rewards) for s in sources}
            max_turns = {s.env.name: s.env.max_turns for s in sources if s.env.reply}
            scorer = _scorer(stage, ctx, rewards)
            ruled = judges.by_rule(rewards)
        pool, pools = stack.enter_context(
            open_pool(
                stage.scoring, ctx.logs, seconds=config.cluster.deadlines.start,
                rewards=ruled, paths=_paths(stage), replies=sorted(max_turns),
            )
        )  # fmt: skip
        rules = Rules(
            max_turns,
            pool.reply,
            functools.partial(render_reply, tokenizer),
            frozenset(stops),
            stage.sampling.context,
            config.cluster.deadlines.rollout,
        )
        engines.ready()
        learners.ready()
        if scorer:
            scorer.ready()
        stack.push(functools.partial(_close, learners))
        learners.connect(engines, backend=transfer_backend(config.cluster))
        encode = functools.partial(_encode, tokenizer)
        named = {env: labelled(weights) for env, weights in rewards.items()}
        both = Judges(pool, named, scorer)
        yield Parts(stage, ctx, sources, encode, pools, both, engines, learners, named, rules)


def labelled(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights by the names that the components of a score have, also of rewards that are given by their paths."""
    return {reward_label(name): weight for name, weight in weights.items()}


def _scorer(stage: RLStage, ctx: StageContext, rewards: Rewards) -> RewardScorer | None:
    """The reward model, started, where an env asks for its opinion."""
    asking = sorted(env for env, weights in rewards.items() if judges.NAME in weights)
    if not asking:
        return None
    folder = stage.scoring.reward_model
    if folder is None:
        raise ConfigError(
            f"stages.{ctx.name}.envs.{asking[0]}.rewards names {judges.NAME}: write "
            f"stages.{ctx.name}.scoring.reward_model=<folder of a scalar model>"
        )
    return RewardScorer(str(Path(folder).expanduser().absolute()), ctx.config.cluster, ctx.logs)


def _encode(tokenizer: Any, prompt: Prompt) -> tuple[int, ...]:
    return render(tokenizer, prompt.messages)


def _close(learners: Learners, kind: type[BaseException] | None, *_: object) -> None:
    """Closes the learners; while another error is on its way, one of closing must not take its place."""
    try:
        learners.close()
    except RlstackError:
        if kind is None:
            raise


def _paths(stage: RLStage) -> dict[str, str]:
    """Folders of envs that are plugins outside the usual places."""
    return {name: share.path for name, share in stage.envs.items() if share.path}


def transfer_backend(cluster: ClusterConfig) -> Any:
    """How weights travel: shared memory on CPU, CUDA IPC on shared GPUs, NCCL between GPUs."""
    if cluster.device == "cpu":
        return "shared_memory"
    return "ipc" if cluster.colocate else "nccl"


def _engine_spec(stage: RLStage, ctx: StageContext, stops: tuple[int, ...]) -> EngineSpec:
    cluster = ctx.config.cluster
    return EngineSpec(
        model=str(ctx.model),
        device=cluster.device,
        dtype=cluster.dtype,
        context=stage.sampling.context,
        stop_ids=stops,
        transfer=transfer_backend(cluster),
        kv_cache_bytes=cluster.kv_cache_bytes,
        gpu_memory_share=cluster.gpu_memory_share,
        tensor_parallel=cluster.tensor_parallel,
        sleep=cluster.colocate,
        trust_remote_code=ctx.config.model.trust_remote_code,
    )


def _learner_spec(stage: RLStage, ctx: StageContext) -> LearnerSpec:
    cluster = ctx.config.cluster
    return LearnerSpec(
        model=model_spec(ctx),
        optim=stage.optim,
        steps=stage.steps * stage.updates_per_step,
        reference=stage.kl.beta > 0,
        reference_moves=stage.kl.refresh_every > 0,
        device=cluster.device,
        threads=cluster.threads,
        reshard=cluster.reshard,
        logits_bytes=cluster.logits_mb << 20,
    )


@contextmanager
def _asleep(engines: Engines) -> Iterator[None]:
    engines.sleep()
    yield
    engines.wake()


@contextmanager
def _store(folder: Path) -> Iterator[str]:
    """The file over which the learner ranks of one machine find each other."""
    file = folder / ".learners"
    file.unlink(missing_ok=True)
    yield str(file)
    file.unlink(missing_ok=True)
