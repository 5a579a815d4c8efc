"""`rlstack plan model=8b cluster=…`: memory per rank and seconds per step, before anything is started."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rlstack.config.compose import compose
from rlstack.errors import ConfigError
from rlstack.forecast.forecast import Forecast, forecast
from rlstack.forecast.rates import GPUS, MFU, rates_of
from rlstack.plan import count, size

_DEFAULT = ("recipe=single", "env=math")

_ABOUT = """Predicts memory and step time from counted FLOPs and bytes; starts nothing and reads no weights. The rates
of a CPU are measured, those of a GPU are published peaks times a share that you can set: an estimate."""

_EPILOG = """examples
  rlstack plan model=8b cluster=gpu cluster.learners=8 cluster.engines=8
  rlstack plan model=3b cluster=gpu recipe=multidomain_granite --gpu a100 --completion-tokens 900
  rlstack plan model=smollm2-135m cluster=cpu --json

Words are those of `rlstack run`; the first RL stage is planned. `dry_run=true` prints the whole run's plan."""


def main(argv: list[str]) -> int:
    """0, also where it does not fit: the page says so."""
    options = _parser().parse_args(argv)
    if wrong := [word for word in options.words if "=" not in word and not word.startswith("~")]:
        raise ConfigError(f"'{wrong[0]}' is no key=value; for a model write model={wrong[0]}")
    if not 0.0 < options.mfu <= 1.0:
        raise ConfigError(f"--mfu {options.mfu:g}: a share above 0 and at most 1, e.g. {MFU}")
    named = {word.partition("=")[0] for word in options.words}
    recipe = () if "recipe" in named else [word for word in _DEFAULT if word.partition("=")[0] not in named]
    config = compose([*recipe, *options.words])
    rates = rates_of(config.cluster, gpu=options.gpu, mfu=options.mfu, file=options.rates)
    found = forecast(config, rates, options.prompt_tokens, options.completion_tokens)
    sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n" if options.json else "\n".join(page(found)) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack plan",
        usage="rlstack plan [model=NAME|FOLDER|HUB_ID] [cluster=NAME] [key=value ...] [options]",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", metavar="key=value", help="as in `rlstack run`")
    parser.add_argument("--prompt-tokens", type=float, default=128, metavar="N", help="mean (default: %(default)g)")
    parser.add_argument("--completion-tokens", type=float, metavar="N", help="mean (default: sampling.max_tokens)")
    parser.add_argument("--gpu", default="h100", metavar="NAME", help=f"{', '.join(GPUS)} (default: %(default)s)")
    parser.add_argument("--mfu", type=float, default=MFU, help="of a GPU's learner (default: %(default)g)")
    parser.add_argument("--rates", type=Path, metavar="FILE", help="measured by bench/plan_check.py --save FILE")
    parser.add_argument("--json", action="store_true")
    return parser


def page(found: Forecast) -> Iterator[str]:
    cluster, work, memory, time = found.cluster, found.work, found.learner, found.time
    yield f"model     {found.model}: {count(found.dims.parameters)} parameters"
    yield (
        f"cluster   {cluster.name}: {cluster.engines} x engine"
        + (f" on {cluster.tensor_parallel} GPUs each" if cluster.tensor_parallel > 1 else "")
        + f", {cluster.learners} x learner rank, {cluster.dtype}"
        + (f"; {found.devices:g} GPU(s)" if cluster.device == "cuda" else "")
    )
    yield (
        f"step      {work.prompts} prompts of {work.prompt_tokens:g} tokens x {work.samples} samples of "
        f"{work.completion_tokens:g} tokens = {work.trained:,.0f} trained tokens, {found.flops:.3g} FLOPs"
    )
    yield ""
    yield f"memory of each learner rank   {size(memory.total)}"
    for name, part in (
        ("weights, float32", memory.weights),
        ("gradients", memory.gradients),
        ("AdamW's moments", memory.moments),
        ("reference", memory.reference),
        ("gathered over an update", memory.held),
        (f"activations of {cluster.micro_tokens:,} tokens", memory.activations - memory.logits),
        ("logits, at most", memory.logits),
    ):
        if part:
            yield f"  {name:<28}{size(part)}"
    yield f"memory of each engine device  weights {size(found.engine_weights)}"
    if found.kv_cache:
        yield f"  {'KV cache':<28}{size(found.kv_cache)} = {found.kv_cache // found.kv_token:,} tokens"
    else:
        yield f"  {'KV cache':<28}{size(found.kv_token)} a token"
    if found.reward_model:
        yield f"memory of the reward model    {size(found.reward_model)} and what its batch takes"
    if (room := found.rates.device_bytes) and cluster.device == "cuda":
        fits = "fits" if found.fullest_device <= 0.92 * room else "DOES NOT FIT"
        yield f"the fullest GPU needs {size(found.fullest_device)} of {size(room)}: {fits}"
        if fits != "fits":
            yield "  less: cluster.learners=<more>, cluster.micro_tokens=<fewer>, cluster.tensor_parallel=<more>"
    yield ""
    yield f"seconds of a step   {time.total:.3g}"
    for name, seconds in (("rollouts", time.rollout), ("update", time.learn), ("weight sync", time.sync)):
        yield f"  {name:<18}{seconds:.3g}"
    yield f"  trained tokens/s  {found.tokens_per_s:,.0f}"
    yield f"rates     {found.rates.source}"
    if not found.rates.is_measured:
        yield "          nothing of this has been run on such a GPU"
