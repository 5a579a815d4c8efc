"""The schemas, and databases filled at random under them."""

from __future__ import annotations

import contextlib
import random
import re
import sqlite3
from dataclasses import dataclass
from functools import cache

from rlstack.envs.words import CITIES, NAMES, words

# parent table, its label and kinds > child table, its labels, two numbers with their ranges, its kinds
_SCHEMAS = """
owners person town=Oslo/Rome/Lima > pets person age=1-18 weight=1-60 kind=cat/dog/bird
authors person country=Peru/Mali/Fiji > books thing pages=60-900 price=5-60 genre=novel/poem/essay
makers thing country=Japan/Chile/Norway > cars thing price=9-95 doors=2-7 fuel=gas/diesel/power
teachers person subject=art/maths/music > pupils person age=6-19 score=1-100 house=red/blue/green
cities place country=Italy/Egypt/India > hotels thing stars=1-7 rooms=8-400 view=sea/park/street
doctors person field=heart/eye/bone > patients person age=1-99 visits=1-40 blood=A/B/O
farms place region=north/south/east > cows person milk=5-45 age=2-16 breed=Jersey/Angus/Devon
teams place league=first/second/third > players person goals=0-40 age=17-39 position=back/wing/goal
bands thing style=rock/jazz/folk > songs thing length=90-600 plays=1-990 mood=calm/wild/sad
museums place theme=art/war/sea > paintings thing year=1400-1999 width=20-300 medium=oil/ink/chalk
airlines thing base=Paris/Delhi/Quito > flights place seats=20-400 delay=0-180 day=Monday/Friday/Sunday
shops place owner_type=family/chain/club > orders person total=5-500 items=1-30 status=open/paid/lost
gardens place soil=clay/sand/loam > plants thing height=5-400 buds=0-90 light=sun/shade/mixed
schools place level=lower/middle/upper > courses thing hours=10-120 seats=5-90 term=spring/summer/autumn
banks thing country=Malta/Spain/Kenya > accounts person balance=0-990 age=0-40 plan=basic/plus/gold
ports place sea=Baltic/Adriatic/Red > ships thing tons=10-900 crew=3-60 flag=Malta/Panama/Greece
zoos place country=Kenya/Spain/Chile > animals person weight=1-900 age=1-60 diet=meat/plants/both
firms thing sector=steel/food/paper > workers person wage=10-90 years=0-40 shift=day/night/late
labs place field=physics/biology/optics > samples thing mass=1-500 purity=1-100 state=solid/liquid/gas
libraries place type=public/school/private > loans person days=1-60 fines=0-40 format=paper/audio/film
kitchens thing cuisine=Thai/Greek/French > dishes thing price=4-50 minutes=5-180 course=soup/main/sweet
studios thing country=Spain/Japan/India > films thing minutes=60-220 votes=1-990 genre=drama/comedy/crime
leagues thing sport=chess/golf/rowing > matches place points=0-100 fans=10-900 result=won/lost/drawn
trains thing class=express/local/night > stops place minute=0-59 platform=1-20 zone=inner/outer/rural
mines place ore=iron/gold/salt > shafts thing depth=20-900 lifts=1-9 state=open/shut/wet
clubs place kind=tennis/rowing/chess > members person age=12-90 fee=5-200 rank=junior/senior/guest
rivers thing continent=Asia/Africa/Europe > bridges place length=20-900 year=1800-2020 material=steel/stone/wood
parks place size_class=small/large/huge > trees thing height=2-60 age=1-400 wood=oak/pine/birch
courts place branch=civil/trade/tax > cases person pages=5-900 days=1-700 outcome=won/lost/settled
theatres place era=old/modern/new > plays thing acts=1-6 tickets=10-900 tone=comic/tragic/mixed
vineyards place slope=south/west/east > wines thing year=1960-2020 price=5-300 colour=red/white/rose
offices place floor_plan=open/cells/mixed > printers thing pages=10-990 age=0-12 ink=black/colour/photo
"""
_LABELS = {
    "person": NAMES,
    "place": CITIES,
    "thing": words(
        "Alpha Comet Delta Echo Falcon Garnet Harbor Indigo Juniper Kestrel Lagoon Meadow Nova Onyx Pebble Quartz "
        "Raven Sierra Tundra Umber Violet Willow Yarrow Zephyr"
    ),
}


@dataclass(frozen=True)
class Number:
    column: str
    low: int
    high: int


@dataclass(frozen=True)
class Schema:
    """Two tables: every child row belongs to one parent row."""

    parent: str
    parent_labels: tuple[str, ...]
    parent_kind: str
    parent_kinds: tuple[str, ...]
    child: str
    labels: tuple[str, ...]
    first: Number
    second: Number
    kind: str
    kinds: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.parent[:-3] + 'y' if self.parent.endswith('ies') else self.parent[:-1]}_id"

    @property
    def child_text(self) -> str:
        return f"{self.child}(id, name, {self.first.column}, {self.second.column}, {self.kind}, {self.key})"

    @property
    def text(self) -> str:
        return f"{self.parent}(id, name, {self.parent_kind}), {self.child_text}"


@dataclass(frozen=True)
class Task:
    question: str
    gold: str
    databases: tuple[str, ...]  # SQL scripts


@cache
def schemas() -> tuple[Schema, ...]:
    return tuple(_schema(line) for line in _SCHEMAS.strip().splitlines())


def _schema(line: str) -> Schema:
    parent, parent_label, parent_kind, _, child, label, first, second, kind = line.split()
    parent_column, _, parent_kinds = parent_kind.partition("=")
    column, _, kinds = kind.partition("=")
    return Schema(
        parent,
        _LABELS[parent_label],
        parent_column,
        tuple(parent_kinds.split("/")),
        child,
        _LABELS[label],
        _number(first),
        _number(second),
        column,
        tuple(kinds.split("/")),
    )


def _number(text: str) -> Number:
    column, _, bounds = text.partition("=")
    low, _, high = bounds.partition("-")
    return Number(column, int(low), int(high))


def literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def script(table: str, columns: str, rows: list[tuple[str | int, ...]]) -> str:
    """DDL and rows of one table; `columns` with their types."""
    values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
    return f"CREATE TABLE {table} ({columns}); INSERT INTO {table} VALUES {values};"


def filled(schema: Schema, rng: random.Random, n: int = 14) -> str:
    """A database of the schema: four to six parents, the last without children, and `n` children."""
    names = rng.sample(schema.parent_labels, rng.randint(4, 6))
    parents = [(i + 1, name, rng.choice(schema.parent_kinds)) for i, name in enumerate(names)]
    children: list[tuple[str | int, ...]] = []
    for i, name in enumerate(rng.sample(schema.labels, n)):
        numbers = (rng.randint(schema.first.low, schema.first.high), rng.randint(schema.second.low, schema.second.high))
        children.append((i + 1, name, *numbers, rng.choice(schema.kinds), rng.randint(1, len(parents) - 1)))
    return (
        script(schema.parent, f"id INTEGER PRIMARY KEY, name TEXT, {schema.parent_kind} TEXT", list(parents))
        + "\n"
        + script(
            schema.child,
            f"id INTEGER PRIMARY KEY, name TEXT, {schema.first.column} INTEGER, {schema.second.column} INTEGER, "
            f"{schema.kind} TEXT, {schema.key} INTEGER REFERENCES {schema.parent}(id)",
            children,
        )
    )


def two(schema: Schema, rng: random.Random) -> tuple[str, str]:
    """Two databases, filled differently."""
    return filled(schema, rng), filled(schema, rng)


def unfiltered(query: str) -> str:
    """The query up to its conditions, groups and order."""
    return re.sub(r" (WHERE|GROUP BY|HAVING|ORDER BY) .*", "", query)


def telling(gold: str, databases: tuple[str, ...]) -> bool:
    """Whether the databases judge answers to `gold` well.

    Its results are not empty and differ, so that no constant passes, and leaving its conditions out shows.
    """
    results, bare = [], []
    for one in databases:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(one)
            results.append(sorted(map(repr, connection.execute(gold).fetchall())))
            if not gold.startswith("WITH"):
                bare.append(sorted(map(repr, connection.execute(unfiltered(gold)).fetchall())))
    return all(results) and len({str(result) for result in results}) == len(results) and results != bare
