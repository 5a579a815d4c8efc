"""The same prompts drawn in another process: `python -m rlstack.authoring.replay ADDRESS N`.

That process hashes strings differently, draws in the opposite order and has drawn nothing before, so that a
clock, a global random generator, a counter or the order of a set show up as another digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

from rlstack.api import Env
from rlstack.authoring.subject import SEED, Subject
from rlstack.data.prompts import draft, draw
from rlstack.errors import PluginError
from rlstack.plugins import load_env
from rlstack.types import Split

Case = tuple[int, Split, int]  # level, split, index
_LONGEST_S = 100.0


def cases(env: Env, n: int) -> list[Case]:
    """`n` prompts of every level, one in four of them held out."""
    return [(level, "eval" if i % 4 == 3 else "train", i) for level in range(env.levels) for i in range(n)]


def digest(env: Env, case: Case) -> str:
    """Of a prompt with its identity, data, gold and draft."""
    level, split, index = case
    prompt, row = draw(env, split, index, level, SEED)
    content = [prompt.to_json(), row.gold, draft(env, prompt, row, SEED)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def replayed(subject: Subject, n: int) -> list[str]:
    """Digests of the cases, in order, from a fresh process. Raises PluginError when that process fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "rlstack.authoring.replay", subject.address, str(n)],
            env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
        )
    except subprocess.TimeoutExpired as error:
        raise PluginError(f"another process did not draw the same prompts within {_LONGEST_S:g} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PluginError(f"another process cannot draw the same prompts: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def main(address: str, n: int) -> None:
    env = load_env(address)
    found = {case: digest(env, case) for case in reversed(cases(env, n))}
    sys.stdout.write(json.dumps([found[case] for case in cases(env, n)]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
