"""The instruction-following reward: verdict, components, invalid rows, content gate, loose variants."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rlstack.api import Response
from rlstack.rewards.ifeval import INSTRUCTIONS, bind, follows_loosely, score, variants

PROMPT = (
    "Describe how lighthouses kept ships safe along the northern coast before radio. Do not use commas, and write at "
    "least 30 words. Include the keyword harbour."
)
IDS = ["punctuation:no_comma", "length_constraints:number_words", "keywords:existence"]
KWARGS = [{}, {"num_words": 30, "relation": "at least"}, {"keywords": ["harbour"]}]
DATA = {"instruction_id_list": IDS, "kwargs": KWARGS, "prompt": PROMPT}
ANSWER = (
    "Before radio a keeper lit the lamp of each lighthouse at dusk and tended it until dawn. Sailors knew the rhythm "
    "of every light and so could tell which rocks lay ahead and where the harbour opened. Fog bells helped when the "
    "beam could not be seen."
)


def published(**families: str) -> list[str]:
    """`published(a="x y")` → ["a:x", "a:y"]."""
    return [f"{family}:{name}" for family, names in families.items() for name in names.split()]


IFEVAL = published(
    keywords="existence frequency forbidden_words letter_frequency",
    language="response_language",
    length_constraints="number_sentences number_paragraphs number_words nth_paragraph_first_word",
    detectable_content="number_placeholders postscript",
    detectable_format="number_bullet_lists constrained_response number_highlighted_sections multiple_sections "
    "json_format title",
    combination="two_responses repeat_prompt",
    startend="end_checker quotation",
    change_case="capital_word_frequency english_capital english_lowercase",
    punctuation="no_comma",
)
RLVR = published(
    copy="repeat_phrase copy copying_simple copying_multiple",
    new="copy_span_idx",
    detectable_format="sentence_hyphens square_brackets bigram_wrapping",
    keywords="no_adjacent_consecutive word_once word_count_different_numbers exclude_word_harder palindrome "
    "keyword_specific_position start_end",
    paragraphs="paragraphs paragraphs2",
    first_word="first_word_sent first_word_answer",
    last_word="last_word_sent last_word_answer",
    punctuation="punctuation_dot punctuation_exclamation",
    count="lowercase_counting counting_composition count_unique count_increment_word",
    letters="letter_counting letter_counting2",
)
IFBENCH = published(
    count="word_count_range unique_word_count conjunctions person_names numbers punctuation words_japanese pronouns "
    "keywords_multiple",
    ratio="stop_words sentence_type sentence_balance overlap sentence_words",
    words="alphabet vowel consonants palindrome prime_lengths start_verb repeats odd_even_syllables last_first "
    "paragraph_last_first no_consecutive keywords_specific_position words_position",
    sentence="alliteration_increment keyword increment",
    format="parentheses quotes options newline emoji line_indent quote_unquote list thesis sub-bullets "
    "no_bullets_bullets title_case output_template no_whitespace",
    custom="multiples mcq_count_length reverse_newline word_reverse character_reverse sentence_alphabet "
    "european_capitals_sort csv_city csv_special_character csv_quotes date_format_list",
    repeat="repeat_change repeat_simple repeat_span",
)


def test_a_real_answer_that_follows_everything_scores_1() -> None:
    found = score(Response(ANSWER), DATA)
    assert (found.value, found.status) == (1.0, "ok")
    assert found.components["strict"] == found.components["content"] == found.components["share"] == 1.0


def test_one_broken_instruction_costs_the_value_but_not_the_share() -> None:
    found = score(Response(ANSWER.replace("dusk", "dusk,")), DATA)
    assert found.value == 0.0
    assert found.components["share"] == pytest.approx(2 / 3)
    assert found.components["strict/punctuation:no_comma"] == 0.0
    assert found.components["strict/keywords:existence"] == 1.0
    assert "not followed: punctuation:no_comma" in found.detail


def test_an_id_that_repeats_is_numbered() -> None:
    data = {
        "instruction_id_list": ["keywords:existence"] * 2,
        "kwargs": [{"keywords": ["dusk"]}, {"keywords": ["noon"]}],
    }
    found = score(Response(ANSWER), data)
    assert found.components["strict/keywords:existence"] == 1.0
    assert found.components["strict/keywords:existence#2"] == 0.0


def test_the_registry_holds_all_published_ids() -> None:
    bind(["punctuation:no_comma"], [{}])
    for group, size in ((IFEVAL, 25), (RLVR, 29), (IFBENCH, 58)):
        assert len(group) == size
        assert set(group) <= set(INSTRUCTIONS)
    assert len(INSTRUCTIONS) == 25 + 29 + 58


def test_null_kwargs_and_floats_of_data_frames_are_read() -> None:
    kwargs = [
        {"num_words": None},
        {"num_words": 30.0, "relation": "at least", "keywords": None},
        {"keywords": ["harbour"]},
    ]
    assert score(Response(ANSWER), {**DATA, "kwargs": kwargs}).value == 1.0


@pytest.mark.parametrize(
    ("ids", "kwargs", "hint"),
    [
        (["punctuation:no_coma"], [{}], "did you mean 'punctuation:no_comma'?"),
        (["keywords:existence"], [{"keyword": ["a"]}], "did you mean 'keywords'?"),
        (["keywords:existence"], [{}], "needs 'keywords'"),
        (["keywords:existence"], [{"keywords": "sea"}], "not a list"),
        (["length_constraints:number_words"], [{"num_words": -1, "relation": "at least"}], "negative"),
        (
            ["length_constraints:number_words"],
            [{"num_words": 5, "relation": "at most"}],
            "known: 'at least', 'less than'",
        ),
        (["length_constraints:number_words"], [{"num_words": 2.5, "relation": "at least"}], "not a whole number"),
        (["length_constraints:number_words"], [{"num_words": True, "relation": "at least"}], "not a whole number"),
        (["language:response_language"], [{"language": "klingon"}], "no language"),
        (["keywords:frequency"], [{"keyword": "(a", "frequency": 1, "relation": "at least"}], "not a pattern"),
        (["keywords:frequency"], [{"keyword": "(?=a)b", "frequency": 1, "relation": "at least"}], "linear time"),
        (["combination:repeat_prompt"], [{"prompt_to_repeat": ""}], "empty"),
        (["punctuation:no_comma"], [], "1 instruction ids but 0 kwargs"),
        ([], [], "no instruction"),
        ("punctuation:no_comma", [{}], "not a list"),
        (["punctuation:no_comma"], None, "NoneType"),
        (["punctuation:no_comma"], [3], "not a mapping"),
        ([3], [{}], "unknown instruction"),
    ],
)
def test_a_row_that_cannot_be_judged_is_invalid_and_says_why(ids: object, kwargs: object, hint: str) -> None:
    found = score(Response(ANSWER), {"instruction_id_list": ids, "kwargs": kwargs, "prompt": PROMPT})
    assert found.status == "invalid"
    assert hint in found.detail


def test_only_the_final_answer_counts() -> None:
    assert score(Response(f"<think>commas, many, of, them</think>\n\n{ANSWER}"), DATA).value == 1.0
    assert score(Response(f"<think>{ANSWER}"), DATA).value == 0.0


def test_loose_forgives_an_introduction_and_asterisks_but_pays_nothing() -> None:
    found = score(Response(f"Sure, here it is:\n{ANSWER}"), DATA)
    assert (found.value, found.components["strict"], found.components["loose"]) == (0.0, 0.0, 1.0)
    quoted = bind(["startend:quotation"], [{}])
    assert follows_loosely(quoted, '**"all of it"**', [False]) == [True]
    assert variants("a\n*b*\nc") == ["a\nb\nc", "*b*\nc", "a\n*b*", "*b*", "b\nc", "a\nb", "b"]


LIGHT_STUFFER = "\n".join(f"harbour harbour word {'text ' * 3}harbour" for _ in range(12))
LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt labore dolore magna aliqua "
    "enim minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis aute irure "
    "reprehenderit voluptate velit esse cillum fugiat nulla pariatur excepteur sint occaecat cupidatat non proident "
    "harbour"
)


@pytest.mark.parametrize(
    ("attack", "sign"),
    [
        ("1", "0 different words"),
        ("harbour " * 40, "0 different words"),
        ("ok ok " * 20 + "harbour", "1 different words"),
        (LIGHT_STUFFER, "2 different words"),
        ("All is well.", "too short"),
        ("This is a good and helpful sentence for harbour. " * 10, "repeats itself"),
        (PROMPT.replace(",", ""), "gives the prompt back"),
        (LOREM, "list of words"),
        ("*a* [b] <<c>> P.S. - harbour\n" * 10, "repeats itself"),
    ],
)
def test_form_without_content_scores_0(attack: str, sign: str) -> None:
    found = score(Response(attack), DATA)
    assert (found.value, found.components["content"]) == (0.0, 0.0)
    assert sign in found.detail


def test_the_gate_leaves_the_raw_verdict_in_the_components_and_can_be_turned_off() -> None:
    gated = score(Response("harbour " * 40), DATA)
    assert (gated.components["strict"], gated.components["content"], gated.value) == (1.0, 0.0, 0.0)
    assert score(Response("harbour " * 40), {**DATA, "content_gate": False}).value == 1.0


@pytest.mark.parametrize("reply", ["12 345 678", "!!! ...", "😀😀"])
def test_digits_and_marks_are_no_language(reply: str) -> None:
    data = {"instruction_id_list": ["language:response_language"], "kwargs": [{"language": "de"}], "prompt": PROMPT}
    found = score(Response(reply), data)
    assert (found.components["strict"], found.value) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("one", "kwargs", "reply"),
    [
        ("detectable_format:constrained_response", {}, "My answer is yes."),
        ("format:options", {"options": "yes/no/maybe"}, "yes"),
        ("custom:multiples", {}, "14, 21, 28, 35, 42, 49"),
        ("copy:copy", {"prompt_to_repeat": PROMPT}, PROMPT),
        ("combination:repeat_prompt", {"prompt_to_repeat": PROMPT}, f"{PROMPT}\n\n{ANSWER}"),
        ("repeat:repeat_span", {"prompt_to_repeat": PROMPT, "n_start": 0, "n_end": 0}, "describe"),
        ("language:response_language", {"language": "ja"}, "灯台は夜ごとに火をともし、船を岩から守った。"),
        ("language:response_language", {"language": "th"}, "ประภาคารช่วยให้เรือปลอดภัยในเวลากลางคืน"),
        ("language:response_language", {"language": "ar"}, "كانت المنارات تضيء الساحل ليلا لتحمي السفن من الصخور"),
        ("language:response_language", {"language": "hi"}, "प्रकाशस्तंभ रात में जहाज़ों को चट्टानों से बचाते थे।"),
        ("detectable_format:json_format", {}, '{"lighthouse": {"lamp": "oil", "keeper": "at night"}}'),
        ("length_constraints:number_words", {"num_words": 10, "relation": "less than"}, "They shone lamps at night."),
        (
            "punctuation:no_comma",
            {},
            "Light.\n" + "Row row row your boat gently down the stream\n" * 3 + "to the coast",
        ),
    ],
)
def test_the_gate_lets_real_answers_pass(one: str, kwargs: dict, reply: str) -> None:
    found = score(Response(reply), {"instruction_id_list": [one], "kwargs": [kwargs], "prompt": PROMPT})
    assert found.value == 1.0, found.detail


def test_importing_the_reward_loads_no_model() -> None:
    code = (
        "import sys; import rlstack.rewards.ifeval; "
        "print([m for m in ('punkt', 'langdetect_rs', 're2', 'emoji', 'syllapy', 'torch', 'nltk') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("one", "kwargs", "reply", "in_2025"),
    [
        ("count:person_names", {"N": 1}, "In Miami it rained.", True),
        ("count:pronouns", {"N": 1}, "This rained.", False),
        (
            "count:keywords_multiple",
            {f"keyword{k}": w for k, w in enumerate("abcde", 1)},
            "a b b c c c ddddd eeeeeee",
            True,
        ),
        ("sentence:keyword", {"word": "rain", "N": 1}, "It rained.", True),
        ("words:words_position", {"keyword": "sea"}, "The sea is wet sea here.", False),
        ("words:keywords_specific_position", {"keyword": "sea", "n": 1, "m": 2}, "(Sea) sea.", False),
        ("format:title_case", {}, "Plan a", True),
        ("format:quote_unquote", {}, "He said “no”.", False),
        ("ratio:overlap", {"reference_text": "the sea", "percentage": 100}, "the sea", True),
        ("ratio:sentence_words", {}, "One two. One two. One two.", True),
        ("ratio:sentence_type", {}, "It is.It was.Is it?", True),
        ("repeat:repeat_span", {"prompt_to_repeat": "a b c d", "n_start": 1, "n_end": 3}, "b c", True),
    ],
)
def test_the_first_edition_of_ifbench_can_be_asked_for(one: str, kwargs: dict, reply: str, in_2025: bool) -> None:
    data = {"instruction_id_list": [one], "kwargs": [kwargs], "prompt": "", "content_gate": False}
    assert score(Response(reply), {**data, "ifbench_edition": "2025"}).value == float(in_2025)
    assert score(Response(reply), data).value == float(not in_2025)


def test_an_unknown_edition_is_invalid() -> None:
    found = score(Response(ANSWER), {**DATA, "ifbench_edition": "2024"})
    assert found.status == "invalid"
    assert "2025" in found.detail


NO_COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}


@pytest.mark.parametrize(
    ("topic", "text", "content"),
    [
        (["mouse", "mice"], "Two MICE live under our old floor.", 1.0),
        (["mouse", "mice"], "This is a thing that people know about.", 0.0),
        (["mouse", "mice"], "The dormouse is what people know about.", 0.0),
        (["kůň", "koně", "koni"], "Na louce vidíme dva koně a hříbě.", 1.0),
        (["Häus", "Haus"], "Die Häuser stehen schon lange am Fluss.", 1.0),
        (["馬"], "村には古い馬がいます。", 1.0),
        (["馬"], "村には古い家があります。", 0.0),
        (["말"], "우리 마을에는 말이 많이 있습니다.", 1.0),
        (["말"], "우리 마을에는 양말이 많이 있습니다.", 0.0),
        (["حصان"], "رأينا الحصان في القرية مساء أمس.", 1.0),
    ],
)
def test_a_stated_topic_is_demanded(topic, text, content):
    found = score(Response(text), {**NO_COMMA, "prompt": "Write about it.", "topic": topic})
    assert found.components["content"] == found.value == content
    assert score(Response(text), {**NO_COMMA, "prompt": "Write about it."}).value == 1.0
    free = {**NO_COMMA, "prompt": "Write about it.", "topic": topic, "content_gate": False}
    assert score(Response(text), free).value == 1.0
