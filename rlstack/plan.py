"""What a run will do and need, worked out from its configuration alone: `dry_run=true`.

Sizes come from the shape, or from the headers of the checkpoint's files: no weight is read, torch is not imported.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from rlstack.config.cluster import ClusterConfig
from rlstack.config.model import LoraConfig, ModelConfig, ShapeConfig
from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.config.train import TrainStage
from rlstack.data.packing import attention_cost
from rlstack.errors import ConfigError

_BUILTIN = {"builtin:tiny": Path(__file__).parent / "models" / "tiny" / "base"}
_CONVERTED = ("builtin:smollm2-135m",)  # made on first use
_BYTES = {"float32": 4, "bfloat16": 2}
_MASTER = 4  # bytes: master weights, gradients and both moments of AdamW are float32
_LONGEST_HEADER = 100 * 2**20  # bytes, the format's own limit
_LOGIT_COPIES = 3  # the logits, their softmax and their gradient


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What memory depends on; all but `parameters` per layer of the decoder."""

    parameters: int
    vocab: int
    layers: int
    hidden: int
    query: int  # heads x head_dim
    key_value: int  # kv_heads x head_dim
    mlp: int
    positions: int  # longest sequence that the model was made for


@dataclass(frozen=True, slots=True)
class Memory:
    """Estimates in bytes."""

    weights: int
    gradients: int
    moments: int  # both of AdamW
    reference: int
    activations: int  # of one micro-batch, logits included
    logits: int  # of those
    held: int = 0  # gathered parameters and whole gradients (cluster.reshard=false)

    @property
    def optimizer(self) -> int:
        """Gradients and both moments."""
        return self.gradients + self.moments

    @property
    def total(self) -> int:
        return self.weights + self.optimizer + self.reference + self.activations + self.held


def dimensions(model: ModelConfig) -> Dimensions | None:
    """The model's sizes; None while they cannot be known (a checkpoint that is not on this machine)."""
    folder = _folder(model.path)
    if folder is not None and (folder / "config.json").exists():
        return _from_folder(folder)
    return _from_shape(model.shape) if model.shape else None


def pair_cost(model: ModelConfig) -> float:
    """What a pair of tokens costs in attention, in tokens of the matrices; 0 for a model of unknown size."""
    dims = dimensions(model)
    return attention_cost(dims.layers, dims.query, dims.parameters) if dims else 0.0


def learner_memory(
    dims: Dimensions, cluster: ClusterConfig, *, reference: bool, lora: LoraConfig | None = None, device_bytes: int = 0
) -> Memory:
    """One FSDP2 rank: everything that is sharded, divided by the ranks, and the activations of one micro-batch.

    Activations per token and layer: three residual-width tensors for the norms and the sum, queries and the
    attention's output, keys and values, three of the MLP's width; with gradient checkpointing the layer's input
    alone, and all of it for one layer at a time. Flash-style attention keeps no scores. `device_bytes`, of a GPU or of
    the whole machine, tells what `cluster.reshard=auto` will do (rlstack/learner/sharding.py).
    """
    compute, ranks = _BYTES[cluster.dtype], cluster.learners
    width = 4 * dims.hidden + 2 * dims.query + 2 * dims.key_value + 3 * dims.mlp
    kept = dims.layers * dims.hidden + width if cluster.gradient_checkpointing else dims.layers * width
    piece = min(cluster.micro_tokens * dims.vocab * _MASTER, cluster.logits_mb * 2**20)  # rlstack/learner/head.py
    logits = piece * _LOGIT_COPIES
    trained = adapter_parameters(dims, lora) if lora else dims.parameters
    frozen = dims.parameters * compute  # bytes of a model that is not trained, kept in the dtype it computes in
    second = reference and lora is None  # of adapters the base is the reference
    held = frozen * (1 + second) + trained * _MASTER
    sharing = ranks if cluster.device == "cpu" else 1
    fits = sharing * held <= device_bytes / 8
    return Memory(
        weights=(trained * _MASTER + (frozen if lora else 0)) // ranks,
        gradients=trained * _MASTER // ranks,
        moments=2 * trained * _MASTER // ranks,
        reference=frozen // ranks if second else 0,
        activations=cluster.micro_tokens * kept * compute + logits,
        logits=logits,
        held=held if cluster.reshard is False or (cluster.reshard == "auto" and fits) else 0,
    )


def adapter_parameters(dims: Dimensions, lora: LoraConfig) -> int:
    """Elements of A and B over all layers; targets of other names than these count as none."""
    ends = {
        "q_proj": dims.hidden + dims.query,
        "k_proj": dims.hidden + dims.key_value,
        "v_proj": dims.hidden + dims.key_value,
        "o_proj": dims.query + dims.hidden,
        "gate_proj": dims.hidden + dims.mlp,
        "up_proj": dims.hidden + dims.mlp,
        "down_proj": dims.mlp + dims.hidden,
    }
    return dims.layers * lora.rank * sum(ends.get(name, 0) for name in lora.targets or ends)


def kv_bytes_per_token(dims: Dimensions, cluster: ClusterConfig) -> int:
    """Keys and values of one token over all layers, in bytes per engine."""
    return 2 * dims.layers * dims.key_value * _BYTES[cluster.dtype]


def engine_weights(dims: Dimensions, cluster: ClusterConfig) -> int:
    """Weights on one GPU of an engine (or in its process), in bytes."""
    return dims.parameters * _BYTES[cluster.dtype] // cluster.tensor_parallel


def reward_weights(stage: RLStage, cluster: ClusterConfig) -> int:
    """Weights of the stage's reward model in bytes; 0 where it has none, or none of this machine's folders is it."""
    folder = _folder(stage.scoring.reward_model)
    return stored_parameters(folder) * _BYTES[cluster.dtype] if folder else 0


def devices(stage: RLStage | None, cluster: ClusterConfig) -> float:
    """GPUs that a stage takes; halves where engines and learners share them, and the reward model with them."""
    judge = 1 if stage is not None and stage.scoring.reward_model else 0
    engines = cluster.engines * cluster.tensor_parallel if stage is not None else 0
    return (engines + cluster.learners + judge) / (2 if cluster.colocate else 1)


# ---- where sizes come from ----------------------------------------------------------------------------


def _folder(path: str | None) -> Path | None:
    if path is None:
        return None
    if path in _CONVERTED:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(cache) / "rlstack" / path.removeprefix("builtin:")  # where rlstack/models/source.py puts it
    else:
        folder = _BUILTIN.get(path, Path(path).expanduser())
    return folder if folder.is_dir() else None


def _from_shape(shape: ShapeConfig) -> Dimensions:
    from rlstack.models.granite import parameter_count

    return Dimensions(
        parameters=parameter_count(shape),
        vocab=shape.vocab_size,
        layers=shape.layers,
        hidden=shape.hidden_size,
        query=shape.heads * shape.head_dim,
        key_value=shape.kv_heads * shape.head_dim,
        mlp=shape.mlp_hidden,
        positions=shape.max_positions,
    )


def _from_folder(folder: Path) -> Dimensions | None:
    config = _json(folder / "config.json", (folder / "config.json").read_bytes())
    try:
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        head_dim = config.get("head_dim") or hidden // heads
        return Dimensions(
            parameters=stored_parameters(folder),
            vocab=config["vocab_size"],
            layers=config["num_hidden_layers"],
            hidden=hidden,
            query=heads * head_dim,
            key_value=(config.get("num_key_value_heads") or heads) * head_dim,
            mlp=config["intermediate_size"],
            positions=config["max_position_embeddings"],
        )
    except KeyError:  # a family that names its sizes otherwise
        return None


def stored_parameters(folder: Path) -> int:
    """Number of elements in all *.safetensors files, read from their headers."""
    return sum(_elements(file) for file in folder.glob("*.safetensors"))


def _json(file: Path, content: bytes) -> dict[str, Any]:
    try:  # a border: files made elsewhere
        return dict(json.loads(content))
    except (ValueError, TypeError):
        raise ConfigError(f"{file} is damaged, or not what its name says") from None


def _elements(file: Path) -> int:
    with file.open("rb") as stream:
        start = stream.read(8)
        if start == b"version ":
            raise ConfigError(f"{file} is a Git LFS pointer, not the file itself; type: git lfs pull")
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        header = _json(file, stream.read(min(length, _LONGEST_HEADER)))
    return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


# ---- the page -----------------------------------------------------------------------------------------


def describe(config: RunConfig) -> str:
    """The plan as text."""
    dims = dimensions(config.model)
    lines = [*_head(config, dims), *_stages(config), *_memory(config, dims), *_files(config, dims)]
    return "\n".join([*lines, "", "Nothing was started. The same command without dry_run=true runs it.", ""])


def _head(config: RunConfig, dims: Dimensions | None) -> Iterator[str]:
    cluster = config.cluster
    parameters = f"{count(dims.parameters)} parameters" if dims else "size known once its files are on this machine"
    where = config.model.path or "random weights"
    yield f"recipe    {config.recipe}, seed {config.seed}"
    lora = config.model.lora
    adapters = f", adapters of rank {lora.rank} trained" if lora else ""
    if lora and dims:
        adapters += f" ({count(adapter_parameters(dims, lora))} parameters)"
    yield f"model     {config.model.name}: {parameters}, from {where}{adapters}"
    yield (
        f"cluster   {cluster.name}: {cluster.engines} x vLLM engine, {cluster.learners} x learner, {cluster.dtype}, "
        + (f"Ray at {cluster.address}" if cluster.address else "a private Ray on this machine")
    )


def _stages(config: RunConfig) -> Iterator[str]:
    for number, (name, stage) in enumerate(config.stages.items(), start=1):
        yield ""
        yield f"stage {number}: {name} ({stage.kind})"
        yield from _rl_stage(stage) if isinstance(stage, RLStage) else _train_stage(stage)


def _rl_stage(stage: RLStage) -> Iterator[str]:
    from rlstack.data.prompts import quotas

    sampling = stage.sampling
    samples = stage.prompts_per_step * sampling.samples_per_prompt
    shares = quotas({name: share.weight for name, share in stage.envs.items()}, stage.prompts_per_step)
    yield f"  {stage.steps:,} steps x {stage.prompts_per_step} prompts x {sampling.samples_per_prompt} samples"
    yield (
        f"  = {stage.steps * stage.prompts_per_step:,} prompts, {stage.steps * samples:,} samples, "
        f"at most {stage.steps * samples * sampling.max_tokens:,} completion tokens "
        f"({samples * sampling.max_tokens:,} a step)"
    )
    yield "  every step: " + ", ".join(f"{name} {n}" for name, n in sorted(shares.items()))
    yield (
        f"  loss {stage.loss.kind}, KL {stage.kl.beta:g} x {stage.kl.estimator}, learning rate {stage.optim.lr:g}, "
        f"{stage.updates_per_step} update(s) a step"
    )
    each = f", and every {stage.eval.every} steps" if stage.eval.every else ""
    yield f"  evaluation: {len(stage.envs)} envs x {stage.eval.prompts_per_env} held-out prompts before and after{each}"


def _train_stage(stage: TrainStage) -> Iterator[str]:
    tokens = stage.rows_per_step * stage.row_tokens
    total = sum(stage.data.values())
    yield f"  {stage.steps:,} steps x {stage.rows_per_step} rows x {stage.row_tokens:,} tokens"
    yield f"  = at most {stage.steps * tokens:,} tokens ({tokens:,} a step)"
    yield "  data: " + ", ".join(f"{name} {share / total:.0%}" for name, share in stage.data.items())
    yield f"  learning rate {stage.optim.lr:g}, schedule {stage.optim.schedule.kind}"


def _memory(config: RunConfig, dims: Dimensions | None) -> Iterator[str]:
    if dims is None:
        return
    cluster = config.cluster
    rl = [stage for stage in config.stages.values() if isinstance(stage, RLStage)]
    lora = config.model.lora
    needed = learner_memory(dims, cluster, reference=any(stage.kl.beta > 0 for stage in rl), lora=lora)
    yield ""
    yield "memory (estimates, without what torch, CUDA and Ray take for themselves)"
    yield (
        f"  each learner   {size(needed.total)}: weights {size(needed.weights)}, gradients and AdamW "
        f"{size(needed.optimizer)}, reference {'the base' if lora and rl else size(needed.reference)}, "
        f"a micro-batch of {cluster.micro_tokens:,} tokens up to {size(needed.activations)}"
        + (f", parameters and gradients held over a step {size(needed.held)}" if needed.held else "")
    )
    if cluster.offload_policy or cluster.offload_reference:
        both = ("weights, gradients and AdamW", cluster.offload_policy), ("the reference", cluster.offload_reference)
        offloaded = ", ".join(what for what, is_on in both if is_on)
        yield f"                 of it in CPU memory, not on the GPU: {offloaded}"
    if rl:
        token = kv_bytes_per_token(dims, cluster)
        cache = (
            f"{size(cluster.kv_cache_bytes)} of KV cache = {cluster.kv_cache_bytes // token:,} tokens"
            if cluster.kv_cache_bytes
            else f"KV cache up to {cluster.gpu_memory_share:.0%} of each GPU, {size(token)} a token"
        )
        yield f"  each engine    weights {size(engine_weights(dims, cluster))}, {cache}"
    for judge in [stage for stage in rl if stage.scoring.reward_model][:1]:
        known = reward_weights(judge, cluster)
        weights = size(known) if known else "known once its files are on this machine"
        yield f"  reward model   weights {weights}, in a process of its own"
    if cluster.device == "cuda":
        most = max(devices(stage if isinstance(stage, RLStage) else None, cluster) for stage in config.stages.values())
        yield f"  {most:g} GPU(s) in all"
    if cluster.colocate:
        yield "  engines and learners share the GPUs in turns (the engine sleeps while the learner works)"


def _files(config: RunConfig, dims: Dimensions | None) -> Iterator[str]:
    yield ""
    yield f"files     {Path(config.run_dir).absolute()} ({_state(Path(config.run_dir))})"
    yield "  config.json, metrics.jsonl, summary.json, logs/"
    for name, stage in config.stages.items():
        keeps = f"checkpoints/ (every {stage.checkpoint.every}, the last {stage.checkpoint.keep} kept"
        if dims:
            lora = config.model.lora
            keeps += f", {size(3 * _MASTER * (adapter_parameters(dims, lora) if lora else dims.parameters))} each"
        kinds = "rollouts/, eval/, " if isinstance(stage, RLStage) else ""
        yield f"  {name}/: {kinds}{keeps}), export/"


def _state(run_dir: Path) -> str:
    if not run_dir.exists():
        return "new"
    if (run_dir / "summary.json").exists():
        return "holds a finished run"
    return "holds an unfinished run, which would go on" if (run_dir / "config.json").exists() else "exists"


def count(n: int) -> str:
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if n >= unit:
            return f"{n / unit:.2f}{name}"
    return str(n)


def size(n: int) -> str:
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if n >= unit:
            return f"{n / unit:.1f} {name}"
    return f"{n} B"
