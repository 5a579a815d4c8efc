"""What an environment's rewards owe, shown in the pool that a run uses: gold pays, junk does not, nothing hurts.

Axis: `_G` answers to one prompt.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rlstack.api import Response, Row
from rlstack.authoring.hostile import JUNK, TEXTS, damaged, stuffer
from rlstack.authoring.report import Finding, failed, noted, passed
from rlstack.authoring.subject import Subject
from rlstack.data.prompts import demonstration
from rlstack.errors import PluginError
from rlstack.scoring import ScoringPool
from rlstack.types import Prompt, Score

GOLD_SHARE, JUNK_SHARE = 0.99, 0.01
_OTHERS_SHARE = 0.1  # of other prompts' golds may earn something before it is worth a note
_FORM_JUNK = 0.1  # of senseless answers that may meet a form by chance
_SLOW_MS = 50.0
_DEADLINE_S = 300.0
_SHOWN = 160
_LISTED = 3
_ABOVE = 1e-6
_HANGING_GOLDS = 3  # golds cut off at the deadline, after which nothing more is asked
_HANGING = 24  # answers of all kinds

_MEND_GOLD = {
    "ok": "gold must be an answer that the rewards pay in full, and data must be what they read",
    "error": "mend the reward where its detail says; it must not raise, also where data lacks something",
    "invalid": "the reward says that the task itself is broken: mend its data",
    "timeout": "score must end within its DEADLINE_S: no waiting, no network; bound what it looks at",
}

Seen = tuple[int, Row]  # level and row


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judged answer."""

    level: int
    row: Row
    text: str
    score: Score
    share: float  # of the best score of the env's verifiable rewards


class HangingError(PluginError):
    """So many answers ran into the deadline that the rest would take minutes to fail in the same way."""


class Court:
    """The env's rewards in a live pool, which always judge anew.

    Raises HangingError once `patience` answers in all have run into the deadline.
    """

    def __init__(self, subject: Subject, pool: ScoringPool, advance: Callable[[int], None]) -> None:
        self.subject, self.pool, self._advance = subject, pool, advance
        self.weights = pool.verifiable(subject.name)
        self.best = sum(weight for weight in self.weights.values() if weight > 0)
        self.patience, self.cut_off = _HANGING, 0
        self.judged = 0
        self.above: list[Verdict] = []  # paid more than the best
        self.unpaid: set[int] = set()  # id() of rows whose gold is not paid when it is asked alone

    def judge(self, asked: Sequence[tuple[int, Row, Sequence[str]]]) -> list[list[Verdict]]:
        """Per row, the verdicts of its answers in order."""
        waiting = []
        for _, row, texts in asked:
            answers_G = [Response(text, n_tokens=len(text) // 4, messages=row.messages) for text in texts]
            waiting.append(self.pool.submit(self.subject.name, answers_G, row.data, cached=False))
        found = []
        for (level, row, texts), future in zip(asked, waiting, strict=True):
            scores_G = self.pool.collect([future], _DEADLINE_S)[0]
            found.append([Verdict(level, row, t, s, self.share(s)) for t, s in zip(texts, scores_G, strict=True)])
            self._advance(len(texts))
            self._watch(found[-1])
        return found

    def _watch(self, verdicts: Sequence[Verdict]) -> None:
        self.judged += len(verdicts)
        self.above += [v for v in verdicts if v.score.status == "ok" and self._highest(v) > 1.0 + _ABOVE]
        late = [v for v in verdicts if v.score.status == "timeout"]
        self.cut_off += len(late)
        if late and self.cut_off >= self.patience:
            raise HangingError(
                f"{self.cut_off} of the first {self.judged} answers ran into the deadline and were cut off; the rest "
                f"was not asked. E.g. {_shown(late[0])}"
            )

    def _highest(self, verdict: Verdict) -> float:
        return max(verdict.share, *(verdict.score.components[name] for name in self.weights))

    def share(self, score: Score) -> float:
        if score.status != "ok":
            return 0.0
        return sum(weight * score.components[name] for name, weight in self.weights.items()) / self.best

    def drafts(self, written: Sequence[tuple[Prompt, Row, str]]) -> list[float]:
        """The shares that drafts earn; of an env that replies, with the answer that follows its reply."""
        env = self.subject.env
        last = [(0, row, [demonstration(env, prompt, row, text)[-1]["content"]]) for prompt, row, text in written]
        return [verdicts[0].share for verdicts in self.judge(last)]


def gold_pays(court: Court, seen: Sequence[Seen], filed: Sequence[Row]) -> tuple[list[Finding], Mapping[str, float]]:
    """Generated golds and those of gold.jsonl earn at least 99 %, twice alike; and what judging costs."""
    asked = [(level, row, [row.gold]) for level, row in seen]
    court.patience = _HANGING_GOLDS
    once, again = (_flat(court.judge(asked)) for _ in range(2))
    court.unpaid = {id(v.row) for v in _poor(once)}
    findings = [_gold_finding("gold", once, f"{len(once)} generated gold answers earn the full score")]
    if filed:
        verdicts = _flat(court.judge([(0, row, [row.gold]) for row in filed]))
        said = f"{len(filed)} rows of gold.jsonl earn the full score"
        finding = _gold_finding("gold file", verdicts, said)
        if finding.mark == "failed":
            mend = f"if the env has changed: rlstack env gold {court.subject.given}; else mend the row"
            finding = failed("gold file", finding.said, mend)
        findings.append(finding)
    court.patience = _HANGING
    findings.append(_repeatable(once, again))
    times = [verdict.score.ms for verdict in once + again]
    figures = {"ms_per_score": statistics.median(times), "ms_per_score_max": max(times)}
    if figures["ms_per_score"] > _SLOW_MS:
        said = f"judging takes {figures['ms_per_score']:.0f} ms in the median"
        mend = "256 samples of a step wait for it: do less, or set scoring.workers to more processes"
        findings.append(noted("speed", said, mend))
    return findings, figures


def _gold_finding(rule: str, verdicts: Sequence[Verdict], said: str) -> Finding:
    poor = _poor(verdicts)
    if not poor:
        return passed(rule, said)
    status = Counter(v.score.status for v in poor).most_common(1)[0][0]
    first = next(v for v in poor if v.score.status == status)
    what = "earn too little" if status == "ok" else "cannot be judged"
    return failed(rule, f"{len(poor)} of {len(verdicts)} gold answers {what}, e.g. {_shown(first)}", _MEND_GOLD[status])


def _poor(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [v for v in verdicts if v.score.status != "ok" or v.share < GOLD_SHARE]


def bounds(court: Court) -> Finding:
    """No answer earns more than the best score, which is that of the gold."""
    if not court.above:
        return passed("bounds", "no answer earns more than 1 for each unit of weight")
    said = f"{len(court.above)} of {court.judged} answers earn more than the best score, e.g. {_shown(court.above[0])}"
    return failed("bounds", said, "score gives at most 1, to the best answer; how much that counts is the env's weight")


def _repeatable(once: Sequence[Verdict], again: Sequence[Verdict]) -> Finding:
    differing = [
        a
        for a, b in zip(once, again, strict=True)
        if (a.score.value, a.score.status, a.score.components) != (b.score.value, b.score.status, b.score.components)
    ]
    if differing:
        said = (
            f"{len(differing)} of {len(once)} answers got another verdict the second time, e.g. {_shown(differing[0])}"
        )
        return failed("repeatable", said, "a reward is a function of answer and data: no clock, no chance, no memory")
    return passed("repeatable", "the same answer gets the same verdict twice")


def junk_does_not_pay(court: Court, seen: Sequence[Seen]) -> list[Finding]:
    """Texts that say nothing, and the question given back, earn at most 1 %; others' golds are worth a note."""
    asked = [(level, row, [t for t in (*JUNK, _question(row)) if t != row.gold]) for level, row in seen]
    verdicts = _flat(court.judge(asked))
    if "ifeval" in court.subject.env.rewards:
        stuffed = _flat(court.judge([(level, row, [stuffer(row.data)]) for level, row in seen]))
        if paid := [v for v in stuffed if v.share > JUNK_SHARE]:
            said = f"{len(paid)} of {len(stuffed)} texts that keep the form and never name the topic are paid, e.g. "
            return [failed("junk", said + _shown(paid[0]), "state the topic's words in data['topic']")]
        verdicts += stuffed
    findings = [_raised(verdicts, "junk")] if any(v.score.status == "error" for v in verdicts) else []
    if paid := [v for v in verdicts if v.share > JUNK_SHARE]:
        said = f"{len(paid)} of {len(verdicts)} answers that say nothing are paid, e.g. {_shown(paid[0])}"
        mend = "a reward that pays this will be found and exploited: demand the content"
        tolerable = court.subject.is_form and len(paid) <= _FORM_JUNK * len(verdicts)
        findings.append((noted if tolerable else failed)("junk", said, mend))
    elif not findings:
        findings.append(passed("junk", f"{len(verdicts)} empty, senseless and echoing answers earn nothing"))
    return [*findings, *_others(court, seen)]


def _others(court: Court, seen: Sequence[Seen]) -> list[Finding]:
    golds = [row.gold for _, row in seen]
    asked = [
        (level, row, [gold for gold in dict.fromkeys(golds[i + 1 : i + 5]) if gold != row.gold])
        for i, (level, row) in enumerate(seen)
    ]
    verdicts = _flat(court.judge([one for one in asked if one[2]]))
    paid = [v for v in verdicts if v.share > JUNK_SHARE]
    if len(paid) <= _OTHERS_SHARE * len(verdicts):
        return []
    said = f"{len(paid)} of {len(verdicts)} answers to other prompts are paid, e.g. {_shown(paid[0])}"
    return [noted("others", said, "right if several answers fit; else the policy can learn one answer for all")]


def hostile_harms_nothing(court: Court, seen: Sequence[Seen], rng: random.Random) -> Finding:
    """Hostile texts between good answers: all judged or cut off in time, none paid, every good one still paid."""
    made = {name: make() for name, make in TEXTS.items()}
    rows = [seen[(i * len(seen)) // len(made)] for i in range(len(made))]
    asked = []
    for (level, row), text in zip(rows, made.values(), strict=True):
        asked.append((level, row, [row.gold, text, damaged(row.gold, rng), row.gold]))
    groups = court.judge(asked)
    names = list(made)
    paid_alone = [g for g in groups if id(g[0].row) not in court.unpaid]
    harmed = _poor([g[k] for g in paid_alone for k in (0, 3)])
    if harmed:
        return failed("hostile", f"a good answer among hostile ones was harmed: {_shown(harmed[0])}", "see its detail")
    if any(v.score.status in ("error", "invalid") for v in _flat(groups)):
        return _raised(_flat(groups), "hostile")
    paid = [(name, g[1]) for name, g in zip(names, groups, strict=True) if g[1].share > JUNK_SHARE]
    if paid and not court.subject.is_form:
        said = f"'{paid[0][0]}' is paid: {_shown(paid[0][1])}"
        mend = "demand the content; an env that judges form alone says facts={'judges': 'form'}"
        return failed("hostile", said, mend)
    slow = [name for name, g in zip(names, groups, strict=True) if g[1].score.status == "timeout"]
    slow += ["a damaged gold" for g in groups if g[2].score.status == "timeout"]
    total = 2 * len(groups)
    if slow:
        said = f"{len(slow)} of {total} ran into the deadline and were cut off: {', '.join(slow[:_LISTED])}"
        return noted("hostile", said, "limit what score looks at (length, digits, depth), or set a lower DEADLINE_S")
    return passed("hostile", f"{total} hostile answers: none paid, none hung, no good answer harmed")


def _raised(verdicts: Sequence[Verdict], rule: str) -> Finding:
    broken = [v for v in verdicts if v.score.status in ("error", "invalid")]
    what, count = Counter((v.score.status, v.score.detail) for v in broken).most_common(1)[0]
    first = next(v for v in broken if (v.score.status, v.score.detail) == what)
    said = f"{len(broken)} of {len(verdicts)} answers could not be judged; {count} x {what[0]}: {what[1][:400]}"
    mend = f"a bad answer is a 0 with a detail, not an exception and not invalid; e.g. {first.text[:60]!r}"
    return failed(rule, said, mend)


def _flat(groups: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    return list(_each(groups))


def _each(groups: Sequence[Sequence[Verdict]]) -> Iterator[Verdict]:
    for group in groups:
        yield from group


def _question(row: Row) -> str:
    return row.messages[-1]["content"]


def _shown(verdict: Verdict) -> str:
    score = verdict.score
    grade = f"{verdict.share:.2f}" if score.status == "ok" else score.status
    return (
        f"{grade} for {verdict.text[:_SHOWN]!r} at level {verdict.level} "
        f"({score.detail[:_SHOWN] or 'no detail'}); asked: {_question(verdict.row)[:_SHOWN]!r}"
    )
