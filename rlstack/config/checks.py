"""What the field types cannot say: names of plugins, and fields that must fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rlstack.config import idle
from rlstack.config.problems import Problem
from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.errors import ConfigError, nearest
from rlstack.plan import dimensions, kv_bytes_per_token

_STAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TRACKERS = ("tensorboard", "wandb")
_DIVIDING = ("grpo", "reinforce_pp", "reinforce_pp_baseline")  # with advantage.normalise=std
_NEEDS_GROUPS = ("grpo", "dr_grpo", "rloo", "reinforce_pp_baseline")  # a group of one has advantage 0


def of_names(data: Mapping[str, Any]) -> list[Problem]:
    """Unknown environments, rewards, trackers and unfit stage names in data that may not be valid yet."""
    problems = list(_trackers(data.get("trackers")))
    stages = data.get("stages")
    for name, stage in stages.items() if isinstance(stages, Mapping) else ():
        if not _STAGE_NAME.fullmatch(str(name)):
            problems.append(Problem(f"stages.{name}", "a stage is named by a letter, then letters, digits, _ or -"))
        envs = stage.get("envs") if isinstance(stage, Mapping) else None
        if isinstance(envs, Mapping):
            problems += _envs(f"stages.{name}.envs", envs)
        data_shares = stage.get("data") if isinstance(stage, Mapping) else None
        if isinstance(data_shares, Mapping):
            problems += _sources(f"stages.{name}.data", data_shares)
    return problems


def _trackers(names: Any) -> Iterator[Problem]:
    for name in names if isinstance(names, list) else ():
        if name not in _TRACKERS:
            yield Problem("trackers", f"unknown tracker '{name}'; {nearest(str(name), _TRACKERS)}")
        elif find_spec(name) is None:
            yield Problem("trackers", f"'{name}' is not installed; type: make setup EXTRAS={name}")


def _envs(where: str, envs: Mapping[str, Any]) -> Iterator[Problem]:
    from rlstack.plugins import check_names

    for name, share in envs.items():
        values = share if isinstance(share, Mapping) else {}
        path, rewards = values.get("path"), values.get("rewards")
        if path is not None and not isinstance(path, str):
            continue  # the schema says so
        wrong = check_names(str(name), map(str, rewards) if isinstance(rewards, Mapping) else (), path)
        yield from (Problem(f"{where}.{name}", what) for what in wrong)


def _sources(where: str, shares: Mapping[str, Any]) -> Iterator[Problem]:
    from rlstack.plugins import check_names, env_names

    known = ["text", *env_names()]
    for source, share in shares.items():
        if str(source).endswith(".jsonl"):
            if not Path(source).is_file():
                yield Problem(f"{where}.{source}", f"there is no file {Path(source).absolute()}")
        elif "/" in str(source):
            yield from (Problem(f"{where}.{source}", what) for what in check_names(str(source), path=str(source)))
        elif source not in known:
            yield Problem(
                f"{where}.{source}", f"there is no such source; {nearest(str(source), known)}, or a .jsonl file"
            )
        if isinstance(share, int | float) and share <= 0:
            yield Problem(f"{where}.{source}", f"found {share}, allowed: above 0")


def of_values(config: RunConfig) -> list[Problem]:
    """Fields that are each valid but do not fit together."""
    problems = [*_cluster(config), *_ahead(config), *_sizes(config)]
    for name, stage in config.stages.items():
        for beta in stage.optim.betas:
            if not 0.0 <= beta < 1.0:
                problems.append(Problem(f"stages.{name}.optim.betas", f"found {beta}, allowed: at least 0 and below 1"))
        problems += idle.of_stage(f"stages.{name}", stage)
        if isinstance(stage, RLStage):
            problems += _rl(f"stages.{name}", stage)
            if config.model.lora and stage.kl.refresh_every:
                what = (
                    f"found {stage.kl.refresh_every} with model.lora, whose reference is the base without adapters; 0"
                )
                problems.append(Problem(f"stages.{name}.kl.refresh_every", what))
    return problems


def _cluster(config: RunConfig) -> Iterator[Problem]:
    cluster = config.cluster
    if cluster.device == "cpu" and cluster.tensor_parallel > 1:
        yield Problem(
            "cluster.tensor_parallel", f"found {cluster.tensor_parallel}; a CPU engine is one process, write 1"
        )
    if cluster.device == "cpu" and cluster.colocate:
        yield Problem("cluster.colocate", "found true; only GPUs are shared in turns, write false")
    for name in ("offload_policy", "offload_reference"):
        if cluster.device == "cpu" and getattr(cluster, name):
            yield Problem(f"cluster.{name}", "found true; without a GPU everything is in CPU memory, write false")
    if not 0.0 < cluster.gpu_memory_share < 1.0:
        yield Problem("cluster.gpu_memory_share", f"found {cluster.gpu_memory_share}, allowed: above 0 and below 1")


def _ahead(config: RunConfig) -> Iterator[Problem]:
    for name, stage in config.stages.items():
        if not isinstance(stage, RLStage) or not stage.ahead:
            continue
        if config.cluster.colocate:
            yield Problem(
                f"stages.{name}.ahead",
                "found 1, allowed with cluster.colocate=true: 0, since engines and learners take turns on the GPUs",
            )
        if stage.loss.kind == "reinforce" and stage.loss.correction == "none":
            yield Problem(
                f"stages.{name}.loss.correction",
                "found none, allowed with ahead=1 and loss.kind=reinforce: token, sequence, mask_token, mask_sequence. "
                "That loss has no ratio which could account for samples of older weights",
            )


def _sizes(config: RunConfig) -> Iterator[Problem]:
    """Lengths against what the model was made for, and the KV cache against the longest sequence."""
    dims = dimensions(config.model)
    if dims is None:
        return
    for name, stage in config.stages.items():
        key, length = (
            ("sampling.context", stage.sampling.context)
            if isinstance(stage, RLStage)
            else ("row_tokens", stage.row_tokens)
        )
        if length > dims.positions:
            what = (
                f"found {length}, allowed: at most {dims.positions}, the longest sequence of model {config.model.name}"
            )
            yield Problem(f"stages.{name}.{key}", what)
        need, cache = length * kv_bytes_per_token(dims, config.cluster), config.cluster.kv_cache_bytes
        if isinstance(stage, RLStage) and cache is not None and cache < need:
            what = f"found {cache}, allowed: at least {need}, which holds one sequence of stages.{name}.{key}={length}"
            yield Problem("cluster.kv_cache_bytes", what)


def _rl(where: str, stage: RLStage) -> Iterator[Problem]:
    from rlstack.data.prompts import quotas

    sampling = stage.sampling
    for field, off in (("top_p", 1.0), ("top_k", 0)):
        if (found := getattr(sampling, field)) != off:
            yield Problem(
                f"{where}.sampling.{field}",
                f"found {found}, allowed in training: {off}. The engine would sample from a cut distribution, the "
                "learner would compute log-probs of the whole one, and the policy gradient would be wrong",
            )
    if sampling.max_tokens >= sampling.context:
        yield Problem(
            f"{where}.sampling.max_tokens",
            f"found {sampling.max_tokens}, allowed: below sampling.context={sampling.context}, "
            "which holds the prompt too",
        )
    if sampling.samples_per_prompt == 1 and stage.advantage.kind in _NEEDS_GROUPS:
        yield Problem(
            f"{where}.sampling.samples_per_prompt",
            f"found 1, allowed with advantage.kind={stage.advantage.kind}: at least 2, since a group of one "
            "has no baseline and every advantage would be 0",
        )
    if stage.loss.kind == "reinforce" and stage.updates_per_step > 1:
        yield Problem(
            f"{where}.updates_per_step",
            f"found {stage.updates_per_step}, allowed with loss.kind=reinforce: 1. That loss has no ratio, so after "
            "the first update its gradient is that of another policy; loss.correction weighs by the gap to the engine "
            "at the start of the step and does not mend it. Write loss.kind=cispo, the same gradient times the ratio",
        )
    yield from _credit(where, stage)
    yield from _kl(where, stage)
    try:
        quotas({name: share.weight for name, share in stage.envs.items()}, stage.prompts_per_step)
    except ConfigError as error:
        yield Problem(where, str(error))


def _kl(where: str, stage: RLStage) -> Iterator[Problem]:
    """Where the pull to the reference is, and what it needs there."""
    kl, advantage = stage.kl, stage.advantage
    if kl.beta == 0.0:
        for field, off in (("place", "loss"), ("target", None), ("refresh_every", 0)):
            if (found := getattr(kl, field)) != off:
                yield Problem(f"{where}.kl.{field}", f"found {found} with kl.beta=0, which leaves the reference out")
        return
    if kl.place != "reward":
        return
    if advantage.combine == "after":
        yield Problem(
            f"{where}.kl.place",
            "found 'reward' with advantage.combine=after, where no sum of rewards exists that the KL could be "
            "subtracted from; write advantage.combine=before, or kl.place=reward_to_go",
        )
    if advantage.kind in _DIVIDING and advantage.normalise == "std":
        yield Problem(
            f"{where}.kl.place",
            f"found 'reward' with advantage.kind={advantage.kind} and normalise=std: where all samples score the same, "
            "the KL alone would be blown up to advantages of about 1; write advantage.normalise=none, "
            "advantage.kind=rloo or dr_grpo, or kl.place=reward_to_go",
        )


def _credit(where: str, stage: RLStage) -> Iterator[Problem]:
    """How verdicts become credits, and groups get replaced."""
    sampling, advantage = stage.sampling, stage.advantage
    if sampling.overlong_cache > sampling.max_tokens:
        yield Problem(
            f"{where}.sampling.overlong_cache",
            f"found {sampling.overlong_cache}, allowed: at most sampling.max_tokens={sampling.max_tokens}",
        )
    if sampling.refill and advantage.kind == "reinforce_pp":
        yield Problem(
            f"{where}.sampling.refill",
            f"found {sampling.refill}, allowed with advantage.kind=reinforce_pp: 0, since its baseline is the env's "
            "batch, where a group that agrees has advantages too",
        )
    if advantage.combine == "after" and advantage.kind in ("reinforce_pp", "reinforce_pp_baseline"):
        yield Problem(
            f"{where}.advantage.combine",
            f"found 'after', allowed with advantage.kind={advantage.kind}: before, since rewards are normalised one by "
            "one within a group; write advantage.kind=grpo, dr_grpo or rloo to keep it",
        )
    summed = "the gate and the zero hold for the sum of the rewards; write advantage.combine=before"
    if advantage.combine == "after" and sampling.truncated == "zero":
        yield Problem(f"{where}.sampling.truncated", f"found 'zero' with advantage.combine=after: {summed}")
    for name, share in stage.envs.items():
        if advantage.combine == "after" and share.gates:
            yield Problem(f"{where}.envs.{name}.gates", f"found {share.gates} with advantage.combine=after: {summed}")
        for term in ("brevity", "diversity"):
            if getattr(share, term) and sampling.samples_per_prompt == 1:
                what = f"found {getattr(share, term)}; it compares the samples of a prompt, and there is one"
                yield Problem(f"{where}.envs.{name}.{term}", what)
