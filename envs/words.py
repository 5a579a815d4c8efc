"""Names and things that several environments put into their tasks. Not an environment."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of a text, for lists that would fill a page as literals."""
    return tuple(text.split())


NAMES = words(
    "Ann Amy Ben Bob Cara Carl Dan Dora Ed Eli Eva Finn Fay Gus Gina Hal Hana Ida Ian Jack Jill Ken Kim Leo Lena "
    "Max Mia Ned Nora Omar Olga Pam Pete Quinn Ray Rosa Sam Sue Tom Tina Uma Vic Vera Will Wendy Yan Zoe Zack"
)

THINGS = words("pens cups books eggs coins cards keys hats nuts stamps apples shells balls figs plums beads")

CITIES = words(
    "Oslo Rome Lima Cairo Paris Delhi Kyoto Quito Dublin Prague Berlin Madrid Lisbon Vienna Athens Havana Tunis Turin "
    "Bergen Porto Ghent Basel Leeds Perth"
)

MONTHS = words("January February March April May June July August September October November December")
WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
