"""TRL's side, a process of its own: one GRPOTrainer that takes one step per line on its standard input.

    python bench/grpo/trl_child.py work.json       (written by theirs.py)

A line holds the number of torch threads for that step. Answers on standard output, one JSON object per line:
{"prompt_ids": …} once, then one per step. Everything that the libraries print goes to standard error. Ends when its
input ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TextIO


def main() -> None:
    work = json.loads(Path(sys.argv[1]).read_text())
    with own_stdout() as answers:
        trainer = _trainer(work, answers)
        _answer(answers, {"prompt_ids": trainer._tokenize_prompts(work["messages"])[0]})
        trainer.train()


def own_stdout() -> TextIO:
    """Standard output for our answers alone; what libraries print there goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return ours


def _answer(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def _trainer(work: dict[str, Any], answers: TextIO) -> Any:
    import torch
    from checkpoint import tokenizer_with_end
    from datasets import Dataset
    from transformers import TrainerCallback
    from transformers.trainer_callback import PrinterCallback
    from trl.trainer.grpo_trainer import GRPOTrainer
    from vowels import score

    from rlstack.api import Response

    class Timed(GRPOTrainer):
        """GRPOTrainer that remembers what its last generation took and made; changes nothing."""

        generate_s, reward = 0.0, 0.0
        lengths: Sequence[int] = ()

        def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
            started = perf_counter()
            completion_ids, logprobs = super()._generate_single_turn(*args, **kwargs)
            self.generate_s = perf_counter() - started
            self.lengths = [len(ids) for ids in completion_ids]
            return completion_ids, logprobs

    class Gate(TrainerCallback):
        """Waits for its turn before a step and reports after it."""

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            line = sys.stdin.readline()
            if not line:
                raise SystemExit(0)
            torch.set_num_threads(int(line))
            self.started, self.cpu = perf_counter(), process_time()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            seconds, cpu_s = perf_counter() - self.started, process_time() - self.cpu
            _answer(answers, {
                "seconds": seconds, "cpu_s": cpu_s, "generate_s": trainer.generate_s, "reward": trainer.reward,
                "tokens": sum(trainer.lengths), "longest": max(trainer.lengths),
            })  # fmt: skip

    def vowels(completions: list[Any], **_: Any) -> list[float | None]:
        values = [score(Response(turns[0]["content"]), {}).value for turns in completions]
        trainer.reward = sum(values) / len(values)
        return [*values]

    trainer = Timed(
        model=work["model"],
        reward_funcs=vowels,
        args=_settings(work),
        train_dataset=Dataset.from_list([{"prompt": messages} for messages in work["messages"]]),
        processing_class=tokenizer_with_end(Path(work["model"])),
        callbacks=[Gate()],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _settings(work: dict[str, Any]) -> Any:
    """TRL's own defaults but for what both sides must share."""
    from trl.trainer.grpo_config import GRPOConfig

    rows = work["prompts"] * work["samples"]
    return GRPOConfig(
        output_dir=work["folder"],
        model_init_kwargs={"dtype": "float32"},
        per_device_train_batch_size=work["batch"],
        gradient_accumulation_steps=rows // work["batch"],
        num_generations=work["samples"],
        max_completion_length=work["tokens"],
        max_steps=len(work["messages"]) // work["prompts"],
        temperature=1.0,
        beta=work["beta"],
        loss_type="dapo",
        epsilon=0.2,
        epsilon_high=0.28,
        learning_rate=work["lr"],
        lr_scheduler_type="constant",
        adam_beta2=0.95,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=work["seed"],
        shuffle_dataset=False,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_num_workers=0,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
    )


if __name__ == "__main__":
    main()
