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

# English stop words in the usual NLTK selection, without the forms that hold an apostrophe.
STOP_WORDS = _listed("""
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it
its itself they them their theirs themselves what which who whom this that these those am is are was were be been
being have has had having do does did doing a an the and but if or because as until while of at by for with about
against between into through during before after above below to from up down in out on off over under again further
then once here there when where why how all any both each few more most other some such no nor not only own same so
than too very s t can will just don should now d ll m o re ve y ain aren couldn didn doesn hadn hasn haven isn ma
mightn mustn needn shan shouldn wasn weren won wouldn
""")

PRONOUNS = _listed("""
i me we us you he him she her it they them my mine our ours your yours his hers its their theirs myself ourselves
yourself yourselves himself herself itself themselves this that these those who whom whose which what whoever
whomever whatever whichever anybody anyone anything everybody everyone everything nobody nothing somebody someone
something each either neither both all some any none
""")

PERSONAL_PRONOUNS = _listed("""
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves
""")

# The fifty names that the IFBench prompt offers.
PERSON_NAMES = _listed("""
Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin Harper
Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Nathan Victoria Elijah Layla
Nicholas Audrey David Hannah Christopher Penelope Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan
""")

_CAPITALS = """
Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw London
Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb
"""
# Capitals north of 45° in falling latitude, in the order that IFBench asks for.
CAPITALS_BY_LATITUDE = _CAPITALS.split()
