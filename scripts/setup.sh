#!/usr/bin/env bash
# Makes .venv and installs rlstack into it. A second run does nothing, in well under a second.
#
#   scripts/setup.sh [EXTRA...]      extras: dev, bench, tensorboard, wandb (requirements/<extra>.lock)
#
# FLAVOUR=cpu|gpu overrides the choice (gpu when `nvidia-smi -L` finds a device); PYTHON=path names the Python 3.11.
# pip's own configuration (pip.conf, PIP_* variables) decides where packages come from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv LOG=.venv/setup.log
# Asked only for torch, and only when your own index has no CPU build of it.
readonly TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
readonly NEED_GB_cpu=6 NEED_GB_gpu=16

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

flavour() {
    if [[ -n ${FLAVOUR:-} ]]; then echo "$FLAVOUR"; elif nvidia-smi -L >/dev/null 2>&1; then echo gpu; else echo cpu; fi
}

is_python_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3 python /usr/bin/python3.11 /usr/local/bin/python3.11}; do
        if is_python_311 "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 found (looked at: ${PYTHON:-python3.11, python3, python on PATH; /usr/bin, /usr/local/bin})." \
        "install it (Debian: apt install python3.11 python3.11-venv; others: pyenv install 3.11) or name one: make setup PYTHON=/path/to/python3.11"
}

# A group is a lock's name, or `rlstack`. Its stamp is written last, so whatever was interrupted is done again;
# it holds a hash of what was installed and of the folder, since a moved .venv is broken.
source_of() { if [[ $1 == rlstack ]]; then echo pyproject.toml; else echo "requirements/$1.lock"; fi; }
fingerprint() { cat "$(source_of "$1")" <(echo "$PWD") | sha256sum | cut -d' ' -f1; }
stamp() { echo "$VENV/.rlstack-$1"; }
is_installed() { [[ -f $(stamp "$1") && $(<"$(stamp "$1")") == "$(fingerprint "$1")" ]]; }
done_with() { fingerprint "$1" >"$(stamp "$1").tmp" && mv "$(stamp "$1").tmp" "$(stamp "$1")"; }

make_venv() {
    is_python_311 "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 && return
    local python
    python=$(find_python)
    say "making $VENV with $("$python" --version) ($("$python" -c 'import sys; print(sys.executable)'))"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python has no 'venv' module (Debian: apt install python3.11-venv)."
    "$python" -m venv --clear "$VENV" || fail "could not make $PWD/$VENV."
}

check_disk() {
    local need="NEED_GB_$1" free
    free=$(($(df -Pk . | awk 'NR==2 {print $4}') / 1024 / 1024))
    ((free >= ${!need})) || fail "the $1 packages need about ${!need} GB of disk, $PWD has $free GB free."
}

pip_install() { "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps "$@" >>"$LOG" 2>&1; }

explain_and_fail() {
    tail -n 12 "$LOG" >&2
    local hint="the whole output is in $LOG; run the same command again to go on."
    grep -q 'No space left' "$LOG" && hint="the disk is full: $hint"
    grep -qE 'Connection|NewConnectionError|resolve|timed out|ProxyError' "$LOG" &&
        hint="no package index could be reached (pip config list shows which is asked): $hint"
    fail "installing $1 failed." "$hint"
}

install_torch_cpu() {
    local pin
    pin=$(grep '^torch==' requirements/cpu.lock)
    pip_install "$pin" && return
    say "your package index has no $pin; asking $TORCH_CPU_INDEX"
    pip_install --extra-index-url "$TORCH_CPU_INDEX" "$pin"
}

install_lock() {
    local lock=requirements/$1.lock
    say "installing $(grep -c '==' "$lock") packages of $lock ($2)"
    rm -f "$(stamp "$1")"
    : >"$LOG"
    if [[ $1 == cpu ]]; then install_torch_cpu || explain_and_fail torch; fi
    pip_install -r "$lock" || explain_and_fail "$lock"
    done_with "$1"
}

remove_torch_siblings() {
    # Left behind by another tool, these stop `import transformers` beside a CPU torch.
    compgen -G "$VENV/lib/python3.11/site-packages/torch[vac]*-*.dist-info" >/dev/null || return 0
    say "removing torchvision, torchaudio, torchcodec: their CUDA builds break a CPU torch"
    "$VENV/bin/python" -m pip uninstall --yes --quiet torchvision torchaudio torchcodec
}

install_rlstack() {
    say "installing rlstack itself, editable"
    : >"$LOG"
    pip_install --no-build-isolation --editable . || explain_and_fail rlstack
    done_with rlstack
}

main() {
    local flavour extra other
    flavour=$(flavour)
    [[ $flavour == cpu || $flavour == gpu ]] || fail "FLAVOUR=$flavour is unknown; allowed: cpu, gpu."
    for extra in "$@"; do
        [[ $extra != cpu && $extra != gpu && -f requirements/$extra.lock ]] ||
            fail "no extra is named '$extra'; known: $(cd requirements && echo *.lock | sed 's/\.lock//g; s/\<[cg]pu\> *//g')"
    done
    exec 9<"$0" && flock 9 # two at once would break each other

    other=$([[ $flavour == cpu ]] && echo gpu || echo cpu)
    if [[ -f $(stamp "$other") ]]; then
        say "$VENV holds the $other packages; making it anew for $flavour"
        rm -rf "$VENV"
    fi
    if ! is_installed "$flavour"; then
        check_disk "$flavour"
        make_venv
        install_lock "$flavour" "about two minutes"
    fi
    is_installed rlstack || install_rlstack
    for extra in "$@"; do
        is_installed "$extra" || install_lock "$extra" "extra"
    done
    [[ $flavour == cpu ]] && remove_torch_siblings
    return 0
}

main "$@"
