"""How fast a machine is: measured on this one, or published peaks times a stated share."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rlstack.config.cluster import ClusterConfig
from rlstack.errors import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one learner rank, and of one device of an engine."""

    source: str  # where the figures come from, for people
    is_measured: bool
    flops: float  # per second, in the matrices of a learner
    elementwise: float  # bytes per second of what is not a matrix product; 0: contained in `flops`
    layer_s: float  # seconds that one layer of one micro-batch costs however small it is
    decode_flops: float  # per second, in an engine
    memory: float  # bytes per second, in optimizer steps and where an engine reads weights and its cache
    iteration_s: float  # seconds that an engine's step costs however small it is
    link: float  # bytes per second between ranks, and from learner to engine
    device_bytes: int  # memory of one GPU, or of the whole machine without one

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, file: Path) -> Rates:
        """Raises ConfigError for a file that is not what `save` wrote."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"--rates {file}: {error}; bench/plan_check.py --save writes such a file") from None


# Makers' data sheets: dense bfloat16 FLOP/s without sparsity, memory and its bandwidth, NVLink (PCIe) one way.
_GPUS = {
    "a100": (312e12, 80 * 2**30, 2.0e12, 300e9),
    "h100": (989e12, 80 * 2**30, 3.35e12, 450e9),
    "h200": (989e12, 141 * 10**9, 4.8e12, 450e9),
    "l40s": (362e12, 48 * 10**9, 0.864e12, 32e9),
}
GPUS = tuple(_GPUS)
MFU = 0.35  # of the peak, in a learner
_DECODE_MFU, _BANDWIDTH, _LINK = 0.5, 0.6, 0.6  # shares of the peaks that kernels usually reach

# Fitted by `bench/plan_check.py` on one of two cores of an AMD EPYC (AVX-512), float32, one thread, 2026-11-24.
_CPU = Rates(
    source="measured with bench/plan_check.py on an AMD EPYC core, 2026-11-24; other machines: --rates FILE",
    is_measured=True,
    flops=68e9,
    elementwise=0.0,  # what is no matrix product did not stand out
    layer_s=7.7e-3,
    decode_flops=22e9,
    memory=14e9,
    iteration_s=4.6e-3,
    link=2e9,
    device_bytes=0,
)


def rates_of(cluster: ClusterConfig, *, gpu: str, mfu: float, file: Path | None) -> Rates:
    """The file's, or those of the cluster's kind of device. Raises ConfigError for an unknown GPU."""
    if file is not None:
        return Rates.load(file)
    if cluster.device == "cpu":
        return replace(_CPU, device_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if gpu not in _GPUS:
        raise ConfigError(f"--gpu {gpu} is unknown; {nearest(gpu, _GPUS)}")
    peak, size, bandwidth, link = _GPUS[gpu]
    peak = peak if cluster.dtype == "bfloat16" else peak / 2  # TF32, at best
    return Rates(
        source=f"published peak of an {gpu.upper()} x {mfu:.0%} MFU in the learner, {_DECODE_MFU:.0%} in the engine, "
        f"{_BANDWIDTH:.0%} of its bandwidth: an estimate, not measured",
        is_measured=False,
        flops=peak * mfu,
        elementwise=0.0,
        layer_s=1e-4,
        decode_flops=peak * _DECODE_MFU,
        memory=bandwidth * _BANDWIDTH,
        iteration_s=3e-3,
        link=link * _LINK,
        device_bytes=size,
    )
