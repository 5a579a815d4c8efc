"""A rollout engine: vLLM in this process, token in, token out.

The only file of the rollout side that imports vLLM. Plain class; `cluster/actors.py` puts it on Ray.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from rlstack.errors import EngineError
from rlstack.types import FinishReason, Sample

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.outputs import CompletionOutput, RequestOutput


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What one engine loads and how much memory it may take."""

    model: str  # folder
    device: Literal["cpu", "cuda"]
    dtype: str
    context: int  # tokens of the longest prompt and completion together
    stop_ids: tuple[int, ...]  # token ids that end a turn
    transfer: Literal["shared_memory", "nccl", "ipc"]  # how new weights arrive
    kv_cache_bytes: int | None = None
    gpu_memory_share: float = 0.85
    tensor_parallel: int = 1
    sleep: bool = False  # may give its GPU memory back between rollouts
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt to be sampled G times. The seed makes each sample independent of who computes it."""

    prompt_id: str
    env: str
    prompt_ids: tuple[int, ...]
    samples: int
    seed: int  # sample i draws from seed + i
    max_tokens: int
    temperature: float  # 0: greedy
    top_p: float = 1.0
    top_k: int = 0


def import_vllm() -> None:
    """Takes most of the time that an engine needs to start; nothing of the configuration is needed for it."""
    from vllm import LLM  # noqa: F401

    from rlstack.sync import engine  # noqa: F401


class Engine:
    """vLLM behind four verbs: `generate`, weight update, `fingerprint`, `sleep`/`wake`.

    Raises EngineError when a prompt does not fit, or when vLLM returns a token without its log-probability.
    """

    def __init__(self, spec: EngineSpec) -> None:
        from vllm import LLM
        from vllm.config import WeightTransferConfig

        from rlstack.sync.engine import backend_name, keep_plain_weights

        if spec.device == "cpu":
            keep_plain_weights()
        self.spec = spec
        self.weight_version = 0
        memory: dict[str, Any] = (
            {"kv_cache_memory_bytes": spec.kv_cache_bytes}
            if spec.kv_cache_bytes
            else {"gpu_memory_utilization": spec.gpu_memory_share}
        )
        self.llm = LLM(
            model=spec.model,
            dtype=spec.dtype,  # pyright: ignore[reportArgumentType]
            max_model_len=spec.context,
            tensor_parallel_size=spec.tensor_parallel,
            enforce_eager=spec.device == "cpu",
            enable_prefix_caching=True,
            max_num_seqs=256,
            # Whole prompts only: rewinding a seeded generator after a partial one is CUDA-only in vLLM.
            enable_chunked_prefill=False,
            max_num_batched_tokens=max(8192, spec.context),
            logprobs_mode="processed_logprobs",
            weight_transfer_config=WeightTransferConfig(backend=backend_name(spec.transfer)),
            enable_sleep_mode=spec.sleep,
            trust_remote_code=spec.trust_remote_code,
            generation_config="vllm",
            disable_log_stats=True,
            **memory,
        )
        self._decode = self.llm.get_tokenizer().decode

    def generate(self, asks: Sequence[Ask]) -> Iterator[tuple[Sample, ...]]:
        """Yields the group of each ask as soon as its last sample has finished, in no fixed order."""
        engine, by_id = self.llm.llm_engine, {}
        for number, ask in enumerate(asks):
            room = self.spec.context - len(ask.prompt_ids)
            if room < 1:
                raise EngineError(
                    f"a prompt of env '{ask.env}' has {len(ask.prompt_ids)} tokens and the context holds "
                    f"{self.spec.context}: raise sampling.context or shorten the prompt ({ask.prompt_id})"
                )
            by_id[str(number)] = ask
            engine.add_request(
                str(number),
                {"prompt_token_ids": list(ask.prompt_ids)},
                self._params(ask, min(ask.max_tokens, room)),
            )
        try:
            while by_id:
                for output in cast("list[RequestOutput]", engine.step()):
                    if output.finished:
                        yield self._group(by_id.pop(output.request_id), output)
        finally:  # the caller went away or an error passed through: nothing may stay in the queue
            if by_id:
                engine.abort_request(list(by_id))

    def _params(self, ask: Ask, max_tokens: int) -> SamplingParams:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        greedy = ask.temperature == 0
        return SamplingParams(
            n=ask.samples,
            seed=None if greedy else ask.seed,
            temperature=ask.temperature,
            top_p=ask.top_p,
            top_k=ask.top_k or -1,
            max_tokens=max_tokens,
            stop_token_ids=list(self.spec.stop_ids),
            logprobs=0,
            flat_logprobs=True,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _group(self, ask: Ask, output: RequestOutput) -> tuple[Sample, ...]:
        prompt_ids = np.asarray(ask.prompt_ids, np.int32)
        completions = sorted(output.outputs, key=lambda c: c.index)
        return tuple(self._sample(ask, prompt_ids, completion) for completion in completions)

    def _sample(self, ask: Ask, prompt_ids: np.ndarray, completion: CompletionOutput) -> Sample:
        ids = np.asarray(completion.token_ids, np.int32)
        logprobs = np.asarray(completion.logprobs.logprobs if completion.logprobs else (), np.float32)  # type: ignore[union-attr]
        if len(logprobs) != len(ids) or not np.isfinite(logprobs).all():
            raise EngineError(
                f"vLLM returned {len(logprobs)} finite log-probabilities for {len(ids)} tokens (env '{ask.env}'); "
                "a missing one must never be taken for 0"
            )
        reasons: dict[str | None, FinishReason] = {"stop": "stop", "length": "length"}
        return Sample(
            prompt_id=ask.prompt_id,
            env=ask.env,
            index=completion.index,
            prompt_ids=prompt_ids,
            completion_ids=ids,
            logprobs=logprobs,
            loss_mask=np.ones(len(ids), np.bool_),
            finish_reason=reasons.get(completion.finish_reason, "abort"),
            weight_version=self.weight_version,
            text=self._decode(completion.token_ids, skip_special_tokens=True),
        )

    # Weight update: the four calls of vLLM's weight-transfer protocol, made by the sender (rlstack/sync).

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        self.llm.init_weight_transfer_engine({"init_info": init_info})

    def start_weight_update(self) -> None:
        self.llm.start_weight_update()

    def update_weights(self, update_info: dict[str, Any]) -> None:
        self.llm.update_weights({"update_info": update_info})

    def finish_weight_update(self, version: int) -> None:
        """Ends the update; drops every cached prefix, which the old weights computed."""
        self.llm.finish_weight_update(str(version))
        if not self.llm.reset_prefix_cache():
            raise EngineError("the prefix cache could not be reset after a weight sync: requests are still running")
        self.weight_version = version

    def fingerprint(self) -> int:
        """Of the weights that this engine computes with."""
        from rlstack.sync.engine import weights_of
        from rlstack.sync.fingerprint import fingerprint  # imports torch: not before the processes are started

        return fingerprint(self.llm.apply_model(weights_of)[0])

    def sleep(self) -> None:
        """Gives GPU memory back; weights are discarded and come with the next sync."""
        if self.spec.sleep:
            self.llm.sleep(level=2)

    def wake(self) -> None:
        if self.spec.sleep:
            self.llm.wake_up()
