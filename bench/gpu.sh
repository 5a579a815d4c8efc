#!/usr/bin/env bash
# Everything that needs a GPU, in order, into one results file. Run it on a machine with NVIDIA GPUs:
#
#   bench/gpu.sh                       set-up, verify, GRPO step, weight sync, sleep and wake, tensor parallel
#   bench/gpu.sh --dry-run             print the commands and check their configurations; needs no GPU, starts nothing
#   MODEL=8b LAYERS=40 bench/gpu.sh    another shape; default 12 layers of the 3b one (1.2B parameters), which fits one GPU
#                                      with its optimizer, reference and engine. Weights are random: shapes cost
#   OUT=file bench/gpu.sh              results file, default bench/results/gpu-<host>-<time>.txt
#
# A part that fails is recorded and the next one runs. Exit status: the number of parts that failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

DRY=0
case ${1:-} in
    "") ;;
    --dry-run) DRY=1 ;;
    *)
        echo "usage: bench/gpu.sh [--dry-run]" >&2
        exit 2
        ;;
esac

readonly MODEL=${MODEL:-3b} LAYERS=${LAYERS:-12} STEPS=${STEPS:-5} PROMPTS=${PROMPTS:-16} TOKENS=${TOKENS:-512}
readonly PYTHON=.venv/bin/python
readonly OUT=${OUT:-bench/results/gpu-$(hostname)-$(date +%Y%m%d-%H%M%S).txt}
RUNS=$(mktemp -d)
readonly RUNS
trap 'rm -rf "$RUNS"' EXIT
FAILED=0
GPUS=0

say() { if ((DRY)); then echo "$*"; else echo "$*" | tee -a "$OUT"; fi; }

# part TITLE COMMAND...: runs a command with its output in the results file.
part() {
    local title=$1 started status
    shift
    say "" && say "== $title" && say "\$ $*"
    ((DRY)) && return 0
    started=$SECONDS
    "$@" 2>&1 | tee -a "$OUT"
    status=${PIPESTATUS[0]}
    say "-- $((SECONDS - started)) s, status $status"
    ((status == 0)) || FAILED=$((FAILED + 1))
    return 0
}

# Words of a GRPO run of a few steps: no evaluation to speak of, no checkpoint but the last.
words() {
    local name=$1
    shift
    WORDS=(recipe=single env=math "model=$MODEL" "model.shape.layers=$LAYERS" model.path=null model.tokenizer=builtin:tiny-tokenizer
        cluster=gpu "run_dir=$RUNS/$name" "stages.single.steps=$STEPS" "stages.single.prompts_per_step=$PROMPTS"
        "stages.single.sampling.max_tokens=$TOKENS" "stages.single.sampling.context=$((TOKENS + 512))"
        stages.single.eval.prompts_per_env=1 "stages.single.checkpoint.every=$STEPS" "$@")
}

# step NAME OVERRIDES...: a run, then tokens/s, MFU and seconds of each phase from its metrics.
step() {
    local name=$1
    shift
    words "$name" "$@"
    if ((DRY)); then
        "$PYTHON" -m rlstack.run "${WORDS[@]}" dry_run=true >/dev/null || FAILED=$((FAILED + 1))
        .venv/bin/rlstack plan "${WORDS[@]}" --completion-tokens "$TOKENS" >/dev/null || FAILED=$((FAILED + 1))
    fi
    part "predicted, $name" .venv/bin/rlstack plan "${WORDS[@]}" --completion-tokens "$TOKENS"
    part "GRPO step, $name" "$PYTHON" -m rlstack.run "${WORDS[@]}"
    part "measured, $name" "$PYTHON" bench/gpu_report.py "$RUNS/$name" "$RUNS/peak" "${WORDS[@]}"
}

if ((!DRY)); then
    if ! nvidia-smi -L >/dev/null 2>&1; then
        echo "bench/gpu.sh needs an NVIDIA GPU (nvidia-smi -L finds none); --dry-run checks the commands without one" >&2
        exit 2
    fi
    mkdir -p "$(dirname "$OUT")"
    GPUS=$(nvidia-smi -L | wc -l)
    say "rlstack $(git rev-parse --short HEAD 2>/dev/null), $(date -u +%FT%TZ), $GPUS GPU(s)"
    part "machine" nvidia-smi --query-gpu=name,memory.total,driver_version,clocks.max.sm --format=csv
    part "set-up" make setup EXTRAS=bench
fi
part "the peak of one GPU, bfloat16 matrices" "$PYTHON" bench/gpu_report.py --peak "$RUNS/peak"
part "invariances, tiny base" .venv/bin/rlstack verify model=tiny cluster=gpu
part "tests that need a GPU" "$PYTHON" -m pytest -m gpu
step colocated-ipc-sleep
if ((DRY || GPUS >= 2)); then
    step separate-nccl cluster.colocate=false cluster.gpu_memory_share=0.85
    step tensor-parallel-2-colocated cluster.tensor_parallel=2 cluster.learners=2
fi
if ((DRY || GPUS >= 8)); then
    step eight-gpus cluster.colocate=false cluster.engines=4 cluster.learners=4 cluster.gpu_memory_share=0.85
fi
if ((!DRY)); then
    say "" && say "$FAILED part(s) failed; results: $OUT"
fi
exit "$FAILED"
