"""Makers of (question, JSON schema, expected value), one per level."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

from rlstack.envs.words import CITIES, MONTHS, NAMES, words

Task = tuple[str, dict[str, Any], dict[str, Any]]

TEXT, WHOLE, NUMBER, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}
JOBS = words("cook nurse pilot baker judge clerk guard tailor miner farmer singer painter")
HOBBIES = words("chess golf yoga running reading sewing hiking drawing fishing rowing")
ITEMS = words("pen cup hat bag lamp book soap belt ring kite fork vase desk sofa rug")
PARTS = words("bolts hinges valves cables filters bearings springs gaskets relays fuses")


def record(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Schema of an object with exactly these members."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def pair(rng: random.Random) -> Task:
    """Level 0: a text and a number."""
    n = rng.randint(2, 99)
    what = rng.choice(
        (
            ("name", "age", NAMES, "{} is {}."),
            ("item", "price", ITEMS, "A {} costs {}."),
            ("city", "temp", CITIES, "{}: {} degrees."),
        )
    )
    key, number, words, sentence = what
    word = rng.choice(words)
    question = f"{sentence.format(word, n)} JSON only: {key} (text), {number} (number)."
    return question, record({key: TEXT, number: WHOLE}), {key: word, number: n}


def profile(rng: random.Random) -> Task:
    """Level 1: four members, a list and a truth value among them."""
    name, age, job = rng.choice(NAMES), rng.randint(18, 80), rng.choice(JOBS)
    hobbies = rng.sample(HOBBIES, rng.randint(1, 3))
    married = rng.random() < 0.5
    listed = " and ".join([", ".join(hobbies[:-1]), hobbies[-1]]) if len(hobbies) > 1 else hobbies[0]
    question = (
        f"{name}, {age}, is a {'married' if married else 'single'} {job} who likes {listed}. JSON only, with name, "
        "age (number), job, married (true or false), hobbies (list, in this order)."
    )
    value = {"name": name, "age": age, "job": job, "married": married, "hobbies": hobbies}
    hobby_list = {"type": "array", "items": TEXT}
    return question, record({"name": TEXT, "age": WHOLE, "job": TEXT, "married": TRUTH, "hobbies": hobby_list}), value


def nested(rng: random.Random) -> Task:
    """Level 2: an order with lines, a nested address, a null for what is not said, and a distractor."""
    name, city = rng.choice(NAMES), rng.choice(CITIES)
    chosen = rng.sample(PARTS, rng.randint(2, 3))
    lines = [{"part": part, "count": rng.randint(2, 90)} for part in chosen]
    zip_code = f"{rng.randint(10000, 99999)}" if rng.random() < 0.6 else None
    words = ", ".join(f"{line['count']} {line['part']}" for line in lines)
    question = (
        f"{name} from {city}{f' ({zip_code})' if zip_code else ''} ordered {words}. The last order was for "
        f"{rng.randint(2, 90)} {rng.choice(PARTS)}, already paid.\nReturn the new order as JSON only: customer (object "
        "with name and address; address is an object with city and zip, a text, null if not given), lines (list of "
        "objects with part and count, in the order of the text)."
    )
    value = {"customer": {"name": name, "address": {"city": city, "zip": zip_code}}, "lines": lines}
    address = record({"city": TEXT, "zip": {"type": ["string", "null"]}})
    line = record({"part": TEXT, "count": {"type": "integer", "minimum": 1}})
    schema = record(
        {
            "customer": record({"name": TEXT, "address": address}),
            "lines": {"type": "array", "items": line, "minItems": 1},
        }
    )
    return question, schema, value


def by_schema(rng: random.Random) -> Task:
    """Level 3: the schema itself is given; dates become ISO, units are converted, a total is computed."""
    start = date(2020, 1, 1) + timedelta(days=rng.randrange(3000))
    people = rng.sample(NAMES, 3)
    trips, told = [], []
    for name in people:
        day = start + timedelta(days=rng.randrange(60))
        km, mode = rng.randint(3, 900), rng.choice(("train", "car", "bike"))
        trips.append({"date": day.isoformat(), "traveller": name, "mode": mode, "metres": km * 1000})
        told.append(f"on {day.day} {MONTHS[day.month - 1]} {day.year} {name} went {km} km by {mode}")
    trips.sort(key=lambda trip: (trip["date"], trip["traveller"]))
    by_mode = {mode: sum(t["metres"] for t in trips if t["mode"] == mode) for mode in ("bike", "car", "train")}
    value = {"trips": trips, "metres_by_mode": {mode: m for mode, m in by_mode.items() if m}}
    trip = record(
        {
            "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "traveller": {"enum": sorted(people)},
            "mode": {"enum": ["bike", "car", "train"]},
            "metres": {"type": "integer", "minimum": 1},
        }
    )
    modes = record({"bike": WHOLE, "car": WHOLE, "train": WHOLE}, optional=("bike", "car", "train"))
    schema = record({"trips": {"type": "array", "items": trip, "minItems": 3, "maxItems": 3}, "metres_by_mode": modes})
    question = (
        f"Notes: {'; '.join(told)}.\nReturn the trips, earliest first (same day: by traveller), and the metres per "
        f"mode (only modes used), as JSON only, without a fence, under this schema:\n{json.dumps(schema)}"
    )
    return question, schema, value
