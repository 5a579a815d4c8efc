"""The contract of an environment, checked whole: `rlstack env check`, and one line in an author's test."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rlstack import faults
from rlstack.api import Row
from rlstack.authoring import judging_contract as judging
from rlstack.authoring import prompts_contract as prompts
from rlstack.authoring.judging_contract import Court, HangingError, Seen
from rlstack.authoring.report import Finding, Report, failed, noted, passed
from rlstack.authoring.subject import GOLD_FILE, Subject, open_subject, read_gold, stream
from rlstack.errors import PluginError, RlstackError

ROWS = 12  # of each level
_LONGEST_S = 120.0  # of one rule, without judging
_CUT = "was cut off\n"  # what faults.limited says
_TEMPLATES = "\ncounting down in steps.\n"  # in the README.md of `rlstack env new`
_README = ("source", "licence", "example")

Advance = Callable[[int], None]


def check(name_or_path: str, *, rows: int = ROWS, advance: Advance = lambda _: None) -> Report:
    """Examines an environment by name or folder; whatever is wrong with it becomes a finding.

    `rows` of every level are drawn; `advance` hears how many more answers have been judged.
    """
    try:
        subject = open_subject(name_or_path)
    except PluginError as error:
        return Report(name_or_path, "", (failed("loads", str(error), "mend this first"),))
    where = str(subject.folder or subject.address)
    env = subject.env
    paid = ", ".join(f"{reward} {weight:g}" for reward, weight in env.rewards.items())
    levels = f"{env.levels} level{'s' if env.levels > 1 else ''}"
    findings = [passed("loads", f"{levels}, rewards {paid}"), *_folder(subject)]
    findings += _guarded(lambda: [prompts.well_formed(subject, rows)], "data")
    if findings[-1].mark == "failed":  # nothing further can be drawn
        return Report(subject.name, where, tuple(findings))
    findings += _guarded(lambda: [prompts.deterministic(subject, rows)], "stable")
    findings += _guarded(lambda: [prompts.splits(subject)], "splits")
    findings += _guarded(lambda: [prompts.levels_differ(subject, rows)], "levels")
    findings += _guarded(lambda: [prompts.sizes(subject, rows)], "size")
    if any(finding.mark == "failed" and _CUT in finding.said for finding in findings):
        return Report(subject.name, where, tuple(findings))
    figures: dict[str, float] = {}
    try:
        figures["prompts_per_s"] = prompts.speed(env, rows)
        judged, costs = _judged(subject, rows, advance)
    except RlstackError as error:  # a reward that does not load, a server that dies
        judged, costs = [failed("rewards", str(error), "mend this first")], {}
    return Report(subject.name, where, (*findings, *judged), figures | costs)


def _folder(subject: Subject) -> list[Finding]:
    """A complete folder has a README with the facts, a gold file and a test."""
    if subject.folder is None:
        return []
    readme = subject.folder / "README.md"
    text = readme.read_text(encoding="utf-8").casefold() if readme.is_file() else ""
    wanting = [] if text else ["README.md"]
    wanting += [f"README.md on {word}" for word in _README if text and word not in text]
    wanting += [name for name in (GOLD_FILE, "test_env.py") if not (subject.folder / name).is_file()]
    wanting += [f"facts['{fact}']" for fact in ("source", "licence", "about") if fact not in subject.env.facts]
    left = [f"{mark} in {file.name}" for file in sorted(subject.folder.glob("*.py")) for mark in _marks(file)]
    left += ["README.md, which is still the template's"] if _TEMPLATES in text else []
    if wanting or left:
        said = "; ".join(
            f"{what}: {', '.join(these)}" for what, these in (("lacks", wanting), ("left to do", left)) if these
        )
        write = f"; rlstack env gold {subject.given} writes the gold file" if GOLD_FILE in wanting else ""
        return [noted("folder", said, f"others will ask{write}" if wanting else "follow the marks, then delete them")]
    return [passed("folder", "README.md, gold.jsonl, test_env.py, facts")]


def _marks(file: Path) -> list[str]:
    """The template's marks that nobody has followed yet."""
    return re.findall(r"TODO [1-4](?=:)", file.read_text(encoding="utf-8"))


def _judged(subject: Subject, rows: int, advance: Advance) -> tuple[list[Finding], dict[str, float]]:
    with subject.pool() as pool:
        court = Court(subject, pool, advance)
        if not court.weights:
            said = "no reward is verifiable (VERIFIABLE = False), so gold and junk are not judged"
            return [noted("gold", said, "add a reward that can be verified, if there is one")], {}
        seen: Sequence[Seen] = [
            (level, row) for level in range(subject.env.levels) for row in stream(subject.env, level, rows)
        ]
        findings: list[Finding] = []
        figures: Mapping[str, float] = {}
        filed = _filed(subject, findings)
        try:
            found, figures = judging.gold_pays(court, seen, filed)
            findings += found
            findings += judging.junk_does_not_pay(court, seen)
            findings.append(judging.hostile_harms_nothing(court, seen, random.Random(1)))
            findings += _guarded(lambda: [prompts.drafts(subject, rows, court.drafts)], "drafts")
            findings.append(judging.bounds(court))
        except HangingError as error:
            mend = "score must end within its DEADLINE_S: no waiting, no network; bound what it looks at"
            return [*findings, failed("deadline", str(error), mend)], dict(figures)
        if pool.stats()["restarts"]:
            findings.append(failed("hostile", "the scoring server died and was restarted", "report this"))
        return findings, dict(figures)


def _filed(subject: Subject, findings: list[Finding]) -> list[Row]:
    """The rows of gold.jsonl; a file that cannot be read is a finding of its own."""
    if subject.folder is None:
        return []
    try:
        return read_gold(subject.folder)
    except PluginError as error:
        mend = f"mend the line, or write the file anew: rlstack env gold {subject.given}"
        findings.append(failed("gold file", str(error), mend))
        return []


def _guarded(make: Callable[[], list[Finding]], rule: str) -> list[Finding]:
    """Findings, or the author's exception as one: the border to code that may raise anything."""
    try:
        with faults.limited(_LONGEST_S, f"drawing prompts for the rule '{rule}'"):
            return make()
    except HangingError:
        raise
    except RlstackError as error:
        return [failed(rule, str(error), "mend this first")]
    except Exception as error:
        return [failed(rule, str(faults.fault(error, "the env failed")), "mend this first")]
