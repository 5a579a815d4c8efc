"""The environment under examination: loaded, with the place it came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rlstack.api import Env, Row
from rlstack.config.rl import ScoringConfig
from rlstack.data.loaders import with_data
from rlstack.data.prompts import draw
from rlstack.errors import PluginError
from rlstack.plugins import find_env, load_env
from rlstack.scoring import ScoringPool, judges
from rlstack.types import Split

GOLD_FILE = "gold.jsonl"
GOLD_ROWS = 24
SEED = 0
_TRIES = 4  # draws for each row that is wanted


@dataclass(frozen=True, slots=True)
class Subject:
    env: Env
    address: str  # loads it in any process and working directory
    folder: Path | None  # None for an installed entry point
    given: str  # the name or path that it was asked for by: what to type in the next command
    by_path: bool = False

    @property
    def name(self) -> str:
        return self.env.name

    @property
    def is_form(self) -> bool:
        """Whether its rewards judge form alone, so that an ugly text may rightly be paid."""
        return self.env.facts.get("judges") == "form"

    def pool(self, scoring: ScoringConfig | None = None) -> AbstractContextManager[ScoringPool]:
        """The scoring pool of this env alone, the one that a run uses."""
        paths = {self.name: str(self.folder)} if self.folder and self.by_path else {}
        replies = [self.name] if self.env.reply else []
        rewards = judges.by_rule({self.name: self.env.rewards})
        if not rewards:
            raise PluginError(f"env '{self.name}' is judged by a reward model alone, which only a run starts")
        return ScoringPool(rewards, scoring or ScoringConfig(), paths=paths, replies=replies)


def open_subject(name_or_path: str, data: str | None = None) -> Subject:
    """Loads an environment, with a data set in place of its generator where one is named.

    Raises PluginError when it is unknown, found twice or broken, ConfigError for a data set that does not fit.
    """
    origin = find_env(name_or_path)
    env = load_env(name_or_path)
    folder = Path(origin.where).parent if origin.is_file else None
    env = with_data(env, data) if data else env
    return Subject(env, origin.address, folder, name_or_path, origin.owner == "path")


# ---- gold.jsonl ---------------------------------------------------------------------------------------


def read_gold(folder: Path) -> list[Row]:
    """The rows of an env's gold file, none when it has no such file. Raises PluginError naming the line."""
    file = folder / GOLD_FILE
    if not file.exists():
        return []
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            rows.append(Row(tuple(row["messages"]), row["data"], row["gold"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PluginError(f'{file}:{number} is no row {{"messages", "data", "gold"}}: {error!r}') from error
    return rows


def write_gold(subject: Subject, folder: Path, n: int = GOLD_ROWS) -> Path:
    """Writes `n` rows of the training stream, the levels in turn, for people to read and for later checks.

    No text twice, so fewer where a level has no more of them.
    """
    file = folder / GOLD_FILE
    file.write_text("".join(gold_line(row) + "\n" for row in gold_rows(subject.env, n)), encoding="utf-8")
    return file


def gold_rows(env: Env, n: int) -> list[Row]:
    found: dict[str, Row] = {}
    for level in range(env.levels):
        wanted = len(found) + sum(i * env.levels // n == level for i in range(n))
        for index in range(_TRIES * n):
            if len(found) >= wanted:
                break
            prompt, row = draw(env, "train", index, level, SEED)
            found.setdefault(prompt.id, row)
    return list(found.values())


def gold_line(row: Row) -> str:
    return json.dumps({"messages": list(row.messages), "data": dict(row.data), "gold": row.gold}, ensure_ascii=False)


def stream(env: Env, level: int, n: int, *, split: Split = "train", seed: int = SEED) -> Sequence[Row]:
    """The first `n` rows of a level."""
    return [draw(env, split, index, level, seed)[1] for index in range(n)]
