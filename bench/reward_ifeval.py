"""Checks per second of the instruction-following reward on one core.

    python bench/reward_ifeval.py [--seconds 5] [--words 200]

A check is one call of `score` for one (prompt, response): one to three instructions drawn with the weights that
they have in the published IFEval prompts (then IF-RLVR and IFBench types, evenly), a response of English sentences
of about `--words` words that differs every time, content gate and loose variants included. Prints calls/s of CPU
time for each set and the slowest instructions.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from typing import Any

from rlstack.api import Response
from rlstack.rewards.ifeval import INSTRUCTIONS, bind, score

# How often each type occurs among the 834 instructions of the published prompts.
IFEVAL_WEIGHTS = {
    "keywords:existence": 39, "keywords:frequency": 42, "keywords:forbidden_words": 49, "keywords:letter_frequency": 33,
    "language:response_language": 31, "length_constraints:number_sentences": 52,
    "length_constraints:number_paragraphs": 27, "length_constraints:number_words": 52,
    "length_constraints:nth_paragraph_first_word": 12, "detectable_content:number_placeholders": 27,
    "detectable_content:postscript": 26, "detectable_format:number_bullet_lists": 31,
    "detectable_format:constrained_response": 10, "detectable_format:number_highlighted_sections": 48,
    "detectable_format:multiple_sections": 14, "detectable_format:json_format": 17, "detectable_format:title": 37,
    "combination:two_responses": 24, "combination:repeat_prompt": 41, "startend:end_checker": 26,
    "change_case:capital_word_frequency": 25, "change_case:english_capital": 25, "change_case:english_lowercase": 39,
    "punctuation:no_comma": 66, "startend:quotation": 41,
}  # fmt: skip
IFBENCH = ("ratio", "words", "sentence", "format", "custom", "repeat")
KWARGS: dict[str, Any] = {
    "N": 3, "capital_frequency": 2, "capital_relation": "at least", "end_phrase": "That is all.", "first_word": "We",
    "forbidden_words": ["castle", "train"], "frequency": 2, "keyword": "sea", "keyword1": "ship", "keyword2": "harbour",
    "keyword3": "night", "keyword4": "light", "keyword5": "storm", "keywords": ["sea", "harbour"], "language": "en",
    "last_word": "end", "let_frequency": 20, "let_relation": "at least", "letter": "e", "m": 2, "max_words": 400,
    "min_words": 50, "n": 2, "n_end": 4, "n_sent": 2, "n_start": 1, "n_words": 3, "nth_paragraph": 1, "num_bullets": 2,
    "num_highlights": 2, "num_paragraphs": 2, "num_placeholders": 2, "num_sections": 2, "num_sentences": 3,
    "num_words": 100, "options": "yes/no", "percentage": 40, "phrase": "the sea is calm", "postscript_marker": "P.S.",
    "prompt_to_repeat": "Write about a harbour at night.", "reference_text": "the sea is calm tonight",
    "relation": "at least", "section_spliter": "Section", "sep": "...", "small_n": 2, "word": "sea",
}  # fmt: skip
NOUNS = "harbour sea storm lamp keeper ship sailor tide rock coast bell fog night rope anchor gull pier map".split()  # noqa: SIM905
VERBS = "watched lit crossed feared followed kept found missed heard turned saw left".split()  # noqa: SIM905
LINKS = ("because", "while", "and", "although", "so that", "before")


def prose(rng: random.Random, words: int) -> str:
    """Sentences in paragraphs with a little markdown, as chat models write."""
    parts: list[str] = []
    length = 0
    while length < words:
        noun, other, third = rng.sample(NOUNS, 3)
        one = (
            f"The old {noun} {rng.choice(VERBS)} the {other}, {rng.choice(LINKS)} it {rng.choice(VERBS)} every {third}"
        )
        if rng.random() < 0.15:
            one = f"* **{noun.title()}**: {one}"
        one += rng.choice([".", ".", ".", "!", "?", "; no one (not even Dr. Moore) knew."])
        length += one.count(" ") + 1
        parts.append(one + rng.choice([" ", " ", "\n\n"]))
    return "".join(parts)


def timed(ids: list[str], weights: list[int], seconds: float, words: int) -> tuple[float, dict[str, list[float]]]:
    """Calls per CPU second over fresh responses, and CPU seconds per instruction on its own."""
    rng = random.Random(0)
    spent: dict[str, list[float]] = defaultdict(list)
    calls, busy = 0, 0.0
    prompt = "Write about a harbour at night. " * 3
    while busy < seconds:
        drawn = rng.choices(ids, weights, k=rng.choices((1, 2, 3), (56, 33, 11))[0])
        kwargs = [{key: KWARGS[key] for key in INSTRUCTIONS[one].converters if key != "instruction"} for one in drawn]
        data = {"instruction_id_list": drawn, "kwargs": kwargs, "prompt": prompt}
        response = Response(prose(rng, words))
        start = time.process_time()
        found = score(response, data)
        took = time.process_time() - start
        if found.status != "ok":
            raise SystemExit(f"{drawn}: {found.detail}")
        calls, busy = calls + 1, busy + took
        if len(drawn) == 1:
            spent[drawn[0]].append(took)
    return calls / busy, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds per set")
    parser.add_argument("--words", type=int, default=200, help="words of a response")
    args = parser.parse_args()
    bind(["punctuation:no_comma"], [{}])
    ifbench = [one for one in INSTRUCTIONS if one.split(":")[0] in IFBENCH]
    others = [one for one in INSTRUCTIONS if one not in IFEVAL_WEIGHTS and one not in ifbench]
    sets = {
        "IFEval": (list(IFEVAL_WEIGHTS), list(IFEVAL_WEIGHTS.values())),
        "IF-RLVR and count": (others, [1] * len(others)),
        "IFBench": (ifbench, [1] * len(ifbench)),
    }
    for name, (ids, weights) in sets.items():
        timed(ids, weights, 1.0, args.words)  # models load here
        rate, spent = timed(ids, weights, args.seconds, args.words)
        slowest = sorted(spent, key=lambda one: -sum(spent[one]) / len(spent[one]))[:4]
        shown = ", ".join(f"{one} {1e3 * sum(spent[one]) / len(spent[one]):.2f} ms" for one in slowest)
        print(f"{name}: {rate:,.0f} checks/s; slowest {shown}")


if __name__ == "__main__":
    main()
