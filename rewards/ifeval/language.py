"""Which language a text is in, by the published graders' detector (langdetect), made repeatable.

langdetect walks at random over character n-grams, so an unseeded verdict on a short or mixed text varies from
run to run. Here the first walk decides when it is certain; otherwise the mean over several seeded walks does,
which is the verdict that the original gives most often.
"""

from __future__ import annotations

from functools import cache

_CODES = (
    "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt "
    "ro ru sk sl so sq sv sw ta te th tl tr uk ur vi zh-cn zh-tw"
)
CODES = tuple(_CODES.split())
CERTAIN = 0.99
WALKS = 9


@cache
def _factory():
    """Our own detector factory, so that seeding it leaves the library's global one alone."""
    from langdetect_rs import detector_factory

    factory = detector_factory.DetectorFactory()
    factory.load_profile(detector_factory.PROFILES_DIRECTORY)
    return factory


def detect(text: str) -> str | None:
    """A code of `CODES`, "unknown", or None where the text has nothing to detect (no letters)."""
    from langdetect_rs import LangDetectException

    factory = _factory()
    weight: dict[str, float] = {}
    for seed in range(WALKS):
        factory.set_seed(seed)
        detector = factory.create()
        detector.append(text)
        try:
            found = detector.get_probabilities()
        except LangDetectException:
            return None
        for one in found:
            weight[one.lang] = weight.get(one.lang, 0.0) + one.prob
        if len(weight) == 1 and found[0].prob > CERTAIN:
            break
    return max(weight, key=weight.__getitem__, default="unknown")
