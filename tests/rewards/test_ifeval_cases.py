"""Each instruction: what it accepts, what it refuses, and the corners that the published graders define."""

from __future__ import annotations

from typing import Any

import pytest

from rlstack.rewards.ifeval import INSTRUCTIONS, bind, follows

STAIRS = "\n".join(" " * k + "step" for k in range(5))
PALINDROMES = "level radar civic kayak refer madam rotor tenet solos stats"
QUESTIONS = "\n".join(
    f"Question {k}. Who made picture{' in that year' * k}?\n" + "\n".join(f"{letter}) name" for letter in "ABCDE")
    for k in range(1, 5)
)
CITY_ROWS = "\n".join(["ID,Country,City,Year,Count", *(f"{k},Peru,Lima,200{k},{k}" for k in range(7))])
PRODUCT_ROWS = [f"{k},Toy,Ace,3,{k}" for k in range(14)]
PRODUCTS = "\n".join(["ProductID,Category,Brand,Price,Stock", *PRODUCT_ROWS[:-1], '14,Toy,"A&B",3,1'])
STUDENT_HEAD = '"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"'
STUDENTS = "\n".join([STUDENT_HEAD, *(f'"{k}"\t"Art"\t"A"\t"one"\t"9{k}"' for k in range(3))])
CAPITALS = (
    "Reykjavík, Helsinki, Oslo, Tallinn, Stockholm, Riga, Moscow, Copenhagen, Vilnius, Minsk, Dublin, Berlin, "
    "Amsterdam, Warsaw, London, Brussels, Prague, Luxembourg, Paris, Vienna, Bratislava, Budapest, Vaduz, Chișinău, "
    "Bern, Ljubljana, Zagreb"
)
FALLING = "\n".join(["Zimbabwe", *(f"Country {chr(90 - k)}" for k in range(26)), *(f"B {90 - k}" for k in range(26))])
ALPHABET_STORY = " ".join(f"{chr(65 + k)}nd so it went on." for k in range(26))
ENGLISH = "the harbour was quiet that morning and the old ferry waited for its passengers"
AT_LEAST, LESS = "at least", "less than"

# (id, kwargs, accepted, refused)
CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    # keywords
    ("keywords:existence", {"keywords": ["tide", "Moon"]}, ["The moon moves TIDES."], ["The tide turns."]),
    ("keywords:existence", {"keywords": ["C++"]}, ["I write C."], ["I write Rust"]),
    ("keywords:existence", {"keywords": ["a.c"]}, ["abc"], ["a\nc"]),
    ("keywords:frequency", {"keyword": "oak", "frequency": 2, "relation": AT_LEAST}, ["Oak, cloak"], ["oak"]),
    ("keywords:frequency", {"keyword": "oak", "frequency": 2, "relation": LESS}, ["one oak"], ["oak cloak"]),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, ["a category"], ["The CAT.", "cat-like"]),
    (
        "keywords:letter_frequency",
        {"letter": "E", "let_frequency": 3, "let_relation": AT_LEAST},
        ["eEe"],
        ["ee é"],
    ),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 1, "let_relation": LESS}, ["no hash"], ["# one"]),
    ("keywords:word_once", {"keyword": "sea"}, ["By the sea."], ["sea, Sea", "land", "seaside sea"]),
    (
        "keywords:word_count_different_numbers",
        {"keyword": "ice", "frequency": 2, "relation": AT_LEAST},
        ["ice on ice"],
        ["ice"],
    ),
    ("keywords:exclude_word_harder", {"keyword": "and"}, ["sun and", "band", "sun And moon"], ["sun and moon"]),
    ("keywords:no_adjacent_consecutive", {}, ["cat ant dog", "one"], ["ant bear", "Ant bear"]),
    ("keywords:palindrome", {}, ["a word", "see level"], ["see Level", "no, it"]),
    (
        "keywords:keyword_specific_position",
        {"keyword": ["lamp"], "n": 2, "m": 3},
        ["It is dark. See the lamp now."],
        ["See the lamp now.", "It is dark. See the Lamp now.", "It is dark. lamp the"],
    ),
    ("keywords:start_end", {}, ["Rain falls and falls like rain", "a a"], ["Rain is rain.", "rain"]),
    # language and case
    ("language:response_language", {"language": "de"}, ["Das Schiff lag still im Hafen und wartete."], [ENGLISH]),
    ("language:response_language", {"language": "ja"}, ["これは静かな朝でした。", "12 34"], [ENGLISH]),
    ("language:response_language", {"language": "hi"}, ["यह एक शांत सुबह थी और नाव तैयार थी।"], [ENGLISH]),
    ("change_case:english_lowercase", {}, [ENGLISH], [ENGLISH.capitalize(), "das schiff lag still im hafen"]),
    ("change_case:english_capital", {}, [ENGLISH.upper()], [ENGLISH, "DAS SCHIFF LAG STILL IM HAFEN UND WARTETE"]),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": AT_LEAST},
        ["I saw NASA", "A-B and C"],
        ["Nasa saw me", "ABC-DEF"],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 1, "capital_relation": LESS},
        ["no such word"],
        ["ONE such word"],
    ),
    ("punctuation:no_comma", {}, ["one; two、three"], ["one, two"]),
    ("punctuation:punctuation_dot", {}, ["Is it so?"], ["It is.", "3.5"]),
    ("punctuation:punctuation_exclamation", {}, ["Stop."], ["Stop!"]),
    # length
    ("length_constraints:number_words", {"num_words": 4, "relation": AT_LEAST}, ["don't stop it"], ["do stop it"]),
    ("length_constraints:number_words", {"num_words": 4, "relation": LESS}, ["one-two three"], ["don't stop it"]),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": AT_LEAST},
        ["Dr. Lee left. She ran.", "It ends so!!!"],
        ["Dr. Lee left", "A line\nand a line", "He said “no.” She left"],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": LESS},
        ["Mr. Ito came at 5 p.m. today."],
        ["He came. She left."],
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        ["one\n***\ntwo", "*** one *** two ***", "a***b"],
        ["one\n\ntwo", "one *** *** two"],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        ["First.\n\n'then, it rained", "First.\n\nThen's it"],
        ["First.\nThen", "First.\n\n\n\nThen it rained", "First.\n\nThen: no", "First.\n\nThen\n\nmore"],
    ),
    ("paragraphs:paragraphs", {}, ["one *** two"], ["one\n\ntwo", "one"]),
    ("paragraphs:paragraphs2", {}, ["one\n\ntwo", "\n\none\n\ntwo"], ["one\ntwo", "one\n\n\n\ntwo", "a\n\nb\n\nc"]),
    # content and format
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        ["[name] and [place]", "[][]"],
        ["[a\n] [b]", "[[a]", "(a) (b)"],
    ),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, ["Bye. p. s. more", "P.S. x"], ["PS: x", "P.P.S"]),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, ["P.P.S x", "p. p. s"], ["P.S. x"]),
    ("detectable_content:postscript", {"postscript_marker": "Note:"}, ["NOTE: x"], ["Notes"]),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* a\n* b", "- a\n  * b", "\n\n * a\n-", "* a\n---"],
        ["* a", "** a\n* b", "1. a\n2. b", "*\n* b"],
    ),
    ("detectable_format:constrained_response", {}, ["Well: My answer is no."], ["My answer is No.", "no"]),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        ["*a* *b*", "**a** and *b*"],
        ["**a**", "* * *a*", "*a\nb* *c*"],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Section", "num_sections": 2},
        ["Section 1 x Section2 y", "Section 1\nSection ٢"],
        ["SECTION 1 SECTION 2", "Section A Section B"],
    ),
    (
        "detectable_format:json_format",
        {},
        ['{"a": [1]}', '```json\n{"a": 1}\n```', "NaN", '"text"'],
        ["{'a': 1}", '{"a": 1,}', 'So: {"a": 1}', "[" * 50_000 + "]" * 50_000],
    ),
    ("detectable_format:title", {}, ["<<Dawn>>", "x <<< a >> b"], ["<< >>", "<<a\nb>>", "<Dawn>", "<<>>"]),
    ("detectable_format:sentence_hyphens", {}, ["It rains.-We stay.-All is well."], ["It rains. - We stay."]),
    ("detectable_format:square_brackets", {}, ["[It] [rains.]"], ["[It rains.]", "[It] rains"]),
    (
        "detectable_format:bigram_wrapping",
        {},
        ["<<It rains>> <<all day>>", "<<a b>> c"],
        ["<<It rains>> all day>>", "a b"],
    ),
    ("startend:quotation", {}, ['"all of it"', ' "x" '], ['"', "“all of it”", '"part" of it']),
    (
        "startend:end_checker",
        {"end_phrase": "That is all."},
        ["x THAT IS ALL.", '"x that is all."'],
        ["That is all. Bye"],
    ),
    # repeating
    ("combination:repeat_prompt", {"prompt_to_repeat": "Why is it?"}, ["why is it? Because."], ["So: Why is it?"]),
    ("combination:two_responses", {}, ["one****** two", "******a******b******"], ["a******a", "a******  ******b", "a"]),
    ("copy:copy", {"prompt_to_repeat": "Say it. "}, ["say it."], ["say it!"]),
    ("copy:copying_simple", {"prompt_to_repeat": "Say it."}, [" Say it.\n"], ["I Say it."]),
    (
        "copy:copying_multiple",
        {"prompt_to_repeat": "Go", "N": 2},
        ["Go\n******\ngo"],
        ["Go", "Go***Go", "Go******Go******"],
    ),
    ("new:copy_span_idx", {"prompt_to_repeat": "carry on now", "n_start": 2, "n_end": 8}, ["rry on"], ["rry o"]),
    (
        "copy:repeat_phrase",
        {"phrase": "the old man sat", "small_n": 2},
        ["the big man sat. the old dog sat", "the old man sat, the old cat sat"],
        ["the old dog sat", "the big dog sat the old cat sat", "the old cat sat, the old man sat", "the sat the sat"],
    ),
    # IF-RLVR words and counts
    ("first_word:first_word_sent", {"first_word": ["We"]}, ["We ran. WE fell."], ["We ran. They fell.", "We, ran."]),
    ("first_word:first_word_answer", {"first_word": "So"}, ["so it was"], ["So, it was"]),
    ("last_word:last_word_sent", {"last_word": ["sea"]}, ["I saw the sea. By the (Sea)!"], ["I saw the sea. It was."]),
    ("last_word:last_word_answer", {"last_word": "sea"}, ["All the way to the Sea!"], ["the sea it was"]),
    ("count:lowercase_counting", {"N": 2}, ["ONE two three", "Été tout"], ["one two three"]),
    ("letters:letter_counting", {"N": 3, "relation": AT_LEAST}, ["a1b2c"], ["aé9b"]),
    ("letters:letter_counting", {"N": 3, "relation": LESS}, ["ab"], ["abc"]),
    ("letters:letter_counting2", {"letter": "s", "let_frequency": 2, "let_relation": AT_LEAST}, ["Sea's"], ["tea"]),
    ("count:count_unique", {}, ["No word twice.", "The the"], ["a dog, a cat", "One. Two."]),
    (
        "count:count_increment_word",
        {"keyword1": "sun", "keyword2": "sky"},
        ["Sun, sky, sky"],
        ["sun sky", "sun sun sky sky"],
    ),
    (
        "count:counting_composition",
        {"n_sent": 1, "n_words": 4},
        ["It is dark.***We are in.***I am up."],
        [
            "It is dark.***We are in.",
            "It is dark.***We are all in.***I am up.",
            "It is dark.***We are in.***I am up.***",
        ],
    ),
    # IFBench counts and ratios
    ("count:word_count_range", {"min_words": 2, "max_words": 3}, ["one two", "it's it"], ["one", "a b c d"]),
    ("count:unique_word_count", {"N": 3}, ["One, two three", "a b -"], ["one One. 'one' two"]),
    ("count:conjunctions", {"small_n": 2}, ["this and that, but so", "And this and"], ["this or that or"]),
    ("count:person_names", {"N": 2}, ["Emma met Leo."], ["Emma met Emma", "emma leo", "Leonard Emma"]),
    ("count:numbers", {"N": 2}, ["1,000 and 3.5", "2020-21 x 4"], ["1 2 3", "one"]),
    ("count:punctuation", {}, ["A, b; c: d. E! F? G?!", "‽ . , ! ; ? :"], ["A, b; c: d. E?!", "A, b; c: d. E! F?"]),
    ("count:words_japanese", {"N": 2}, ["one 二 three 4", "one"], ["one two"]),
    ("count:pronouns", {"N": 3}, ["she/her/hers", "I saw this. It rained."], ["The dog saw me"]),
    (
        "count:keywords_multiple",
        {"keyword1": "a", "keyword2": "b", "keyword3": "c", "keyword4": "d", "keyword5": "e"},
        ["a b b c C c " + "d " * 5 + "e " * 7],
        ["a b c d e", "a a b b c C c " + "d " * 5 + "e " * 7, "a ab b c C c " + "d " * 5 + "e " * 7],
    ),
    ("ratio:stop_words", {"percentage": 50}, ["the sea is blue cold"], ["it is the sea", "..."]),
    ("ratio:sentence_type", {}, ["It is. It was. Is it?", "no end"], ["It is. Is it?"]),
    ("ratio:sentence_balance", {}, ["It is. Is it? It is!"], ["It is. Is it?"]),
    (
        "ratio:sentence_words",
        {},
        ["One two. Six ten. Red sky."],
        ["One two. Six ten. One sky.", "One two. Six. Red.", "A. B."],
    ),
    (
        "ratio:overlap",
        {"reference_text": "the red fox ran off", "percentage": 67},
        ["the red fox ran away"],
        ["the red fox ran off"],
    ),
    # IFBench words and sentences
    ("words:alphabet", {}, ["Yes, zebras all bray.", "one"], ["a c", "1 b", "a b 3"]),
    ("words:vowel", {}, ["a red fox ran"], ["a big red fox is unusual", "a\nb"]),
    ("words:consonants", {}, ["That string"], ["It is", "a string"]),
    ("words:palindrome", {}, [PALINDROMES.title()], [PALINDROMES[:-6], "noon " * 12]),
    ("words:prime_lengths", {}, ["it was truly so"], ["I was", "four"]),
    ("words:repeats", {"small_n": 2}, ["the sea, The sky"], ["the the the"]),
    ("words:no_consecutive", {}, ["red sky"], ["Red, rain"]),
    ("words:odd_even_syllables", {}, ["the water was open", "sea"], ["the sea"]),
    (
        "words:start_verb",
        {},
        ["Consider the sea.", "Running helps.", "Is it?"],
        ["The sea is calm.", "Nothing", "Sure!"],
    ),
    ("words:last_first", {}, ["I saw rain. Rain fell.", "one"], ["I saw rain. It fell."]),
    ("words:paragraph_last_first", {}, ["Rain is rain.\n\nsea to Sea!", "..."], ["Rain is wet."]),
    (
        "words:keywords_specific_position",
        {"keyword": "Lamp", "n": 2, "m": 2},
        ['It is dark. See "lamp" now.'],
        ["See lamp now.", "It is dark. See the lamp."],
    ),
    ("words:words_position", {"keyword": "sea"}, ['The "sea" is a Sea here.'], ["The sea is here now.", "sea"]),
    (
        "sentence:keyword",
        {"word": "lamp", "N": 2},
        ["Dark. The LAMP is on."],
        ["The lamp is on.", "It is dark. Lamps are on."],
    ),
    ("sentence:increment", {"small_n": 1}, ["We go. We go on. We all go on.", "one"], ["We go. We do."]),
    ("sentence:alliteration_increment", {}, ["We go. Big bears go. Big brown bears go."], ["Big bears go. We go."]),
    # IFBench format
    ("format:parentheses", {}, ["(a [b {c (d [e] f)})"], ["(((((", "((((a))))", "(a [b {c ) [d (e"]),
    ("format:quotes", {}, ['"a \'b "c" d\' e"'], ["\"a 'b' c\"", "no quotes"]),
    ("format:quote_unquote", {}, ['He said "no" to it.', "none", "“no”"], ['"a" "b" c', 'He said "no".']),
    ("format:newline", {}, ["one\ntwo,\n\nthree", "one\n \ntwo three"], ["one two", "one\ntwo three"]),
    ("format:emoji", {}, ["Yes! 😀", "It rains. 🎉 Sun shines 😀."], ["Yes.", "Yes 😀. No."]),
    ("format:line_indent", {}, [STAIRS, "a\n\n b", "one"], [" a\n b", "a\nb"]),
    ("format:list", {"sep": "!?!?"}, ["!?!? one\n!?!? two"], ["!?!? one", "- one\n- two"]),
    ("format:thesis", {}, ["<i>It is so.</i> Because.", "x <em>a</em>"], ["It is", "<i>all</i>", "<i> </i> x", "<i>x"]),
    ("format:sub-bullets", {}, ["* a\n - b\n* c\n - d", "no bullets"], ["* a\n* b\n - c"]),
    (
        "format:no_bullets_bullets",
        {},
        ["It is. It was.\n* a\n* b", "It is. It was.\n\n* a\n* b"],
        [
            "It is.\n* a\n* b",
            "It is. It was.\n* a",
            "It is. It was.\n* a\n* b\nend",
            "It is. It was.\n\nMore.\n* a\n* b",
        ],
    ),
    ("format:title_case", {}, ["The Sea Is iPhone Blue 3", "A B"], ["The sea", "a"]),
    ("format:output_template", {}, ["My Answer: x My Conclusion: y Future Outlook: z"], ["My answer: x"]),
    ("format:no_whitespace", {}, ["one,two"], ["one two", "one\n", "a\u00a0b"]),
    ("format:options", {"options": "yes/no/maybe"}, ["Yes.", " no "], ["yes or no", "y"]),
    ("format:options", {"options": "a), b), c), d)"}, ["b)"], ["b", "B)"]),
    ("format:options", {"options": "I know or I don't know"}, ["i don't know!"], ["I do"]),
    # IFBench custom and repeat
    ("custom:multiples", {}, ["14, 21, 28, 35, 42, 49", "14\n21 28,35 42 49."], ["10 14 21 28 35 42 49", "14"]),
    ("custom:mcq_count_length", {}, [QUESTIONS], ["Here: " + QUESTIONS, QUESTIONS.replace("E)", "F)"), "Question"]),
    ("custom:reverse_newline", {}, [FALLING, "Countries:\n" + FALLING], ["Zimbabwe\nZambia", FALLING + "\nZz"]),
    ("custom:word_reverse", {}, ["eagle bald the is it"], ["The bald eagle"]),
    ("custom:character_reverse", {}, ["elgae dlaB eht"], ["bald eagle"]),
    ("custom:sentence_alphabet", {}, [ALPHABET_STORY], [ALPHABET_STORY[:-20], ALPHABET_STORY.replace("Bnd", "And")]),
    ("custom:european_capitals_sort", {}, [CAPITALS], [CAPITALS.replace("Oslo", "Rome"), "Oslo, Riga"]),
    ("custom:csv_city", {}, [CITY_ROWS], [CITY_ROWS + "\n8,a,b,c,d", CITY_ROWS.replace("ID,", "Id,"), "a,b"]),
    (
        "custom:csv_special_character",
        {},
        [PRODUCTS],
        ["\n".join(["ProductID,Category,Brand,Price,Stock", *PRODUCT_ROWS]), PRODUCTS.replace('"A&B"', '"AB"'), "a"],
    ),
    (
        "custom:csv_quotes",
        {},
        [STUDENTS],
        [STUDENTS.replace('"Art"', "Art"), STUDENTS.replace("\t", ","), "a", STUDENT_HEAD],
    ),
    (
        "custom:date_format_list",
        {},
        ["1805-12-02, 1815-06-18"],
        ["1805-13-02", "1805-12-32", "1905-12-02", "2 Dec 1805"],
    ),
    ("repeat:repeat_change", {"prompt_to_repeat": "Write a poem"}, ["Draw a  poem"], ["Write a poem", "Draw a song"]),
    (
        "repeat:repeat_simple",
        {},
        ["only output this sentence here, ignore all other requests."],
        ["Only output this sentence here."],
    ),
    (
        "repeat:repeat_span",
        {"prompt_to_repeat": "Write a short poem", "n_start": 1, "n_end": 2},
        ["A short"],
        ["a short poem"],
    ),
]

ACCEPTED = [(one, kwargs, text) for one, kwargs, good, _ in CASES for text in good]
REFUSED = [(one, kwargs, text) for one, kwargs, _, bad in CASES for text in bad]


@pytest.mark.parametrize(("one", "kwargs", "text"), ACCEPTED)
def test_accepts(one: str, kwargs: dict[str, Any], text: str) -> None:
    assert follows(bind([one], [kwargs]), text) == [True]


@pytest.mark.parametrize(("one", "kwargs", "text"), REFUSED)
def test_refuses(one: str, kwargs: dict[str, Any], text: str) -> None:
    assert follows(bind([one], [kwargs]), text) == [False]


def test_every_instruction_has_a_passing_and_a_failing_case() -> None:
    bind(["punctuation:no_comma"], [{}])
    assert {one for one, _, _ in ACCEPTED} == set(INSTRUCTIONS) == {one for one, _, _ in REFUSED}


@pytest.mark.parametrize("one", sorted({one for one, *_ in CASES}))
def test_a_blank_response_follows_nothing(one: str) -> None:
    kwargs = next(kwargs for name, kwargs, *_ in CASES if name == one)
    assert follows(bind([one, one], [kwargs, kwargs]), " \n\t") == [False, False]
