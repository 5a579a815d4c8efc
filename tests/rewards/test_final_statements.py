"""Where a text states its result: the quick look before the thorough one may miss nothing."""

from __future__ import annotations

import re
import sys

import pytest

from rlstack.rewards._answer import final

STATED = ["The answer is 7", "ANSWER: 7", "Final result: 7", "the solution is 7", "results are 7", "Réponse : 7",
          "reponse: 7", "Respuesta final: 7", "Die endgültige Antwort lautet 7", "Resposta: 7", "Risposta finale: 7",
          "Ответ: 7", "答案是 7", "答え: 7", "正解は 7", "回答为 7", "## Final answer\n7"]  # fmt: skip


@pytest.mark.parametrize("text", STATED)
def test_a_stated_result_is_found_in_either_case(text: str) -> None:
    for written in (text, text.upper(), text.lower()):
        assert [s.text.strip(" :") for s in final.final_statements(f"First some words.\n{written}")] == ["7"], written


def test_every_letter_that_a_pattern_takes_for_another_passes_the_quick_look() -> None:
    """`re.I` takes ſ for s, İ and ı for i, and more: whatever it takes, the quick look has to take as well."""
    everything = "".join(map(chr, range(0x80, sys.maxunicode)))
    letters = set("".join(final._ANSWER_STEMS))
    alike = {letter: re.findall(letter, everything, re.I) for letter in letters}
    assert "ſ" in alike["s"]
    for stem in final._ANSWER_STEMS:
        for at, letter in enumerate(stem):
            for taken in alike[letter]:
                assert final._names_an_answer(f"{stem[:at]}{taken}{stem[at + 1 :]}"), (stem, taken)


@pytest.mark.parametrize("text", ["a sum of 7", "", "no more than that", "İıſK" * 50, "unanswe red"])
def test_a_text_without_a_stem_states_nothing(text: str) -> None:
    assert not final._names_an_answer(text)
    assert final._SAID.search(text) is None
