"""Weight sync between GPUs: a thin layer over vLLM's own trainer engines (NCCL, or CUDA IPC on shared GPUs).

Not run on the CPU machines of the test suite; docs/benchmarks.md says where it has been run.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vllm.distributed.weight_transfer.base import ParamMeta, WeightSource
from vllm.distributed.weight_transfer.factory import WeightTransferTrainerFactory
from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo
from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo

from rlstack.sync.fingerprint import bits
from rlstack.sync.sender import EngineClient, Weights, check

if TYPE_CHECKING:
    from torch import Tensor


class _Source(WeightSource):
    """Our weights as vLLM's re-iterable source; adds up the fingerprint while they pass."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.fingerprint = 0
        self.verify = False

    def metadata(self) -> list[ParamMeta]:
        return [ParamMeta(name, self._weights.dtype, shape) for name, shape in self._weights.shapes()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        self.fingerprint = 0
        for name, tensor in self._weights:
            if self.verify and not self._weights.is_copy(name):
                self.fingerprint += bits(tensor)
            yield name, tensor


class _Client:
    """vLLM's client protocol over ours: it finishes an update without naming the version."""

    def __init__(self, client: EngineClient | None) -> None:
        self._client = client
        self.version = 0

    def _of_sender(self) -> EngineClient:
        assert self._client is not None, "only rank 0 talks to the engines"
        return self._client

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        self._of_sender().init_weight_transfer_engine(init_info)

    def start_weight_update(self) -> None:
        self._of_sender().start_weight_update()

    def update_weights(self, update_info: Any) -> None:
        self._of_sender().update_weights(update_info)

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        self._of_sender().finish_weight_update(self.version)


class GpuSender:
    def __init__(self, weights: Weights, client: EngineClient | None, *, rank: int, backend: str, world: int) -> None:
        self._weights, self._plain_client = weights, client
        self._source, self._client = _Source(weights), _Client(client)
        init: Any = (
            IPCTrainerInitInfo(rank=rank)
            if backend == "ipc"
            else NCCLTrainerInitInfo(_own_address(), _free_port(), world, rank=rank)
        )
        self._engine = WeightTransferTrainerFactory.trainer_init(init, client=self._client, source=self._source)

    def send(self, version: int, *, verify: bool = True) -> None:
        self._client.version, self._source.verify = version, verify
        self._engine.send_weights()
        if self._plain_client is not None and verify:
            check(self._source.fingerprint, self._plain_client.fingerprints(), version)

    def close(self) -> None:
        self._engine.shutdown()


def _own_address() -> str:
    return socket.gethostbyname(socket.gethostname())


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("", 0))
        return int(s.getsockname()[1])
