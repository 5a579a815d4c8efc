"""Lists of words that checkers and the content gate look up."""

from __future__ import annotations


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The commonest words without a topic of their own; they make up .3 to .5 of English prose.
FUNCTION_WORDS = _listed("""
a about after all also an and are as at be because been before but by can could do does for from had has have he her
here his how i if in into is it its just like may me more most my no not of on one only or other our out over she
should so some such than that the their them then there these they this those through to too under up us was we were
what when where which while who will with would you your
""")

# Words that prompts use to speak of the response and not of its topic.
ABOUT_FORM = _listed("""
answer answers appear appears bracket brackets bullet bullets capital comma commas contain contains entire exactly
finish first following format give highlight include included keyword keywords least less letter letters lowercase
markdown must number paragraph paragraphs phrase placeholder placeholders please point points postscript repeat
reply request respond response responses second section sections sentence sentences separate should start than third
time times title use using want word words wrap write writing your
""")
