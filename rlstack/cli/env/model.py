"""The options `--model` and `--endpoint`: who answers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rlstack.authoring.trial import Sampler
from rlstack.cli.quantities import seconds, whole
from rlstack.errors import ConfigError

KEY = "OPENAI_API_KEY"


def add_options(parser: argparse.ArgumentParser, *, temperature: float) -> None:
    group = parser.add_argument_group("who answers")
    group.add_argument("--model", metavar="NAME", help="as in a recipe: tiny, a folder, or a hub id")
    group.add_argument("--endpoint", metavar="URL", help=f"an OpenAI-compatible server; the key comes from {KEY}")
    group.add_argument("--api-model", metavar="NAME", help="the model's name there")
    group.add_argument("--temperature", type=float, default=temperature, help="0: greedy (default: %(default)s)")
    group.add_argument("--max-tokens", type=whole, default=128, help="of one answer (default: %(default)s)")
    group.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    group.add_argument("--parallel", type=whole, default=8, help="requests at a time to the endpoint")
    group.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="S", help="of a request to the endpoint (default: %(default)g)"
    )


def is_asked(options: argparse.Namespace) -> bool:
    """Whether any model is named. Raises ConfigError for a combination that makes no sense."""
    if options.model and options.endpoint:
        raise ConfigError("give one of --model and --endpoint")
    if options.endpoint and not options.api_model:
        raise ConfigError("--endpoint needs --api-model NAME, the model's name on that server")
    if options.api_model and not options.endpoint:
        raise ConfigError("--api-model needs --endpoint URL")
    return bool(options.model or options.endpoint)


def label(options: argparse.Namespace) -> str:
    return options.model or f"{options.api_model} at {options.endpoint}"


def _refuse_run_directory(model: str) -> None:
    """A run directory, or a stage of one, is no checkpoint; the export of its last stage is."""
    folder = Path(model).expanduser()
    if not folder.is_dir() or any(folder.glob("*.safetensors*")):
        return
    if exports := [str(path) for path in (*folder.glob("export"), *folder.glob("*/export"))]:
        latest = max(exports, key=lambda path: Path(path).stat().st_mtime)
        raise ConfigError(f"--model {model} is a run's folder, not a checkpoint: give its export, --model {latest}")


def sampler(options: argparse.Namespace, env: str) -> Sampler:
    """The model that the options name, loaded. Raises ConfigError when there is none of that name."""
    if options.endpoint:
        from rlstack.rollout.endpoint import EndpointSampler

        return EndpointSampler(
            options.endpoint,
            options.api_model,
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            key=os.environ.get(KEY),
            parallel=options.parallel,
            timeout_s=options.timeout,
        )
    from rlstack.config.compose import compose

    _refuse_run_directory(options.model)
    config = compose(["recipe=single", f"env={env}", f"model={options.model}"])  # also knows names and hub ids
    os.environ.setdefault("OMP_NUM_THREADS", str(config.cluster.threads))  # before torch is imported
    from rlstack.models.source import resolve
    from rlstack.rollout.plain import PlainSampler

    return PlainSampler(
        config.model,
        resolve(config.model, options.seed),
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        seed=options.seed,
        device=config.cluster.device,
        dtype=config.cluster.dtype,
        threads=config.cluster.threads,
    )
