"""Requests and the calls they ask for. Makers return (question, tools, calls); no calls where no tool fits."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

from rlstack.envs.tools.describe import NUMBER, TEXT, TRUTH, WHOLE, Call, Tool, choice, listed, tool
from rlstack.envs.words import CITIES, MONTHS, NAMES, words

Task = tuple[str, list[Tool], list[Call]]

SHORT_CITIES = tuple(city for city in CITIES if len(city) <= 5)
UNFIT = 0.25  # share of requests for which no tool is there


def call(name: str, **arguments: object) -> Call:
    return {"name": name, "arguments": arguments}


# ---- level 0: two tools of one argument each --------------------------------------------------------------

SIMPLE = {
    "time": "What time is it in {}?",
    "rain": "Will it rain in {}?",
    "news": "Any news from {}?",
    "food": "Where can I eat in {}?",
    "tax": "How high are taxes in {}?",
    "taxi": "I need a taxi in {}.",
    "jobs": "Who is hiring in {}?",
    "snow": "Is there snow in {}?",
}


def one_argument(rng: random.Random) -> Task:
    """Level 0."""
    names = rng.sample(sorted(SIMPLE), 3)
    offered = names[:2]
    city = rng.choice(SHORT_CITIES)
    wanted = names[2] if rng.random() < UNFIT else rng.choice(offered)
    tools = [tool(name, SIMPLE[name].format("a place"), {"x": TEXT}) for name in offered]
    return SIMPLE[wanted].format(city), tools, [call(wanted, x=city)] if wanted in offered else []


# ---- level 1: one call among three tools ------------------------------------------------------------------

ROOMS = words("kitchen bathroom bedroom hall office garage cellar attic")
CURRENCIES = words("EUR USD JPY GBP CHF SEK")

WEATHER = tool("get_weather", "Weather in a city", {"city": TEXT, "unit": choice("celsius", "fahrenheit")})
CONVERT = tool(
    "convert_money",
    "Converts an amount",
    {"amount": NUMBER, "source": choice(*CURRENCIES), "target": choice(*CURRENCIES)},
)
HEATING = tool("set_heating", "Sets the temperature of a room", {"room": choice(*ROOMS), "degrees": WHOLE})
LIGHT = tool("switch_light", "Switches the light of a room", {"room": choice(*ROOMS), "on": TRUTH})
TIMER = tool("set_timer", "Starts a timer", {"minutes": WHOLE, "label": TEXT}, optional=("label",))
MESSAGE = tool("send_message", "Sends a text message", {"to": TEXT, "text": TEXT})
PLAY = tool("play_music", "Plays music of a kind", {"kind": choice("jazz", "rock", "folk", "opera")})


def weather(rng: random.Random) -> tuple[str, Call]:
    city, unit = rng.choice(CITIES), rng.choice(("celsius", "fahrenheit"))
    return f"How warm is it in {city}, in degrees {unit.capitalize()}?", call("get_weather", city=city, unit=unit)


def money(rng: random.Random) -> tuple[str, Call]:
    amount, (source, target) = rng.randint(5, 900), rng.sample(CURRENCIES, 2)
    wanted = call("convert_money", amount=amount, source=source, target=target)
    return f"How many {target} are {amount} {source}?", wanted


def heating(rng: random.Random) -> tuple[str, Call]:
    room, degrees = rng.choice(ROOMS), rng.randint(15, 25)
    return f"Heat the {room} to {degrees} degrees.", call("set_heating", room=room, degrees=degrees)


def light(rng: random.Random) -> tuple[str, Call]:
    room, on = rng.choice(ROOMS), rng.random() < 0.5
    return f"Turn the light in the {room} {'on' if on else 'off'}.", call("switch_light", room=room, on=on)


def timer(rng: random.Random) -> tuple[str, Call]:
    minutes = rng.randint(2, 90)
    return f"Wake me in {minutes} minutes.", call("set_timer", minutes=minutes)


def music(rng: random.Random) -> tuple[str, Call]:
    kind = rng.choice(("jazz", "rock", "folk", "opera"))
    return f"Put on some {kind}.", call("play_music", kind=kind)


Wish = Callable[[random.Random], tuple[str, Call]]
HOME: tuple[tuple[Tool, Wish], ...] = (
    (WEATHER, weather), (CONVERT, money), (HEATING, heating), (LIGHT, light), (TIMER, timer), (PLAY, music),
)  # fmt: skip
OPTIONAL = {"set_timer": {"label": ["", "wake up", "wake me", "alarm", "timer"]}}


def wanted(wish: Call) -> Call:
    """With the acceptable values of optional arguments that the request leaves open."""
    return {"name": wish["name"], "arguments": {**wish["arguments"], **OPTIONAL.get(wish["name"], {})}}


def one_of_three(rng: random.Random) -> Task:
    """Level 1."""
    chosen = rng.sample(HOME, 4)
    unfit = rng.random() < UNFIT
    question, wish = chosen[3 if unfit else 0][1](rng)
    tools = [description for description, _ in chosen[:3]]
    rng.shuffle(tools)
    return question, tools, [] if unfit else [wish]


def parallel(rng: random.Random) -> Task:
    """Level 2: two or three calls in one request, of one tool or of several, among four tools."""
    chosen = rng.sample(HOME, 5)
    tools = [description for description, _ in chosen[:3]] + [MESSAGE]
    rng.shuffle(tools)
    if rng.random() < UNFIT:
        return " ".join(make(rng)[0] for _, make in chosen[3:]), tools, []
    wishes: list[tuple[str, Call]] = []
    number = rng.choice((2, 3))
    while len(wishes) < number:
        question, wish = rng.choice(chosen[:2])[1](rng)
        if all(wish != other for _, other in wishes):
            wishes.append((question, wish))
    return " ".join(question for question, _ in wishes), tools, [wish for _, wish in wishes]


# ---- level 3: nested arguments, dates and sums to work out, near misses ------------------------------------

PERSON = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}, "required": ["name", "age"]}
BOOK = tool(
    "book_trip",
    "Books a trip for several people. Dates are ISO (YYYY-MM-DD)",
    {
        "from": TEXT,
        "to": TEXT,
        "depart": TEXT,
        "return": TEXT,
        "travellers": listed(PERSON),
        "class": choice("first", "second"),
    },
)
CANCEL = tool("cancel_trip", "Cancels a booked trip", {"booking": TEXT})
ORDER = tool(
    "order_goods",
    "Orders goods to an address",
    {
        "lines": listed(
            {"type": "object", "properties": {"item": TEXT, "count": WHOLE}, "required": ["item", "count"]}
        ),
        "address": {"type": "object", "properties": {"city": TEXT, "zip": TEXT}, "required": ["city", "zip"]},
        "express": TRUTH,
    },
)
REFUND = tool("refund_order", "Pays an order back", {"order": TEXT, "amount": NUMBER})
GOODS = words("lamps chairs desks shelves mirrors rugs clocks vases baskets curtains")


def trip(rng: random.Random) -> Task:
    start = date(2031, 1, 1) + timedelta(days=rng.randrange(340))
    nights = rng.randint(2, 12)
    origin, target = rng.sample(CITIES, 2)
    people = [(name, rng.randint(8, 80)) for name in rng.sample(NAMES, rng.randint(2, 3))]
    travel_class = rng.choice(("first", "second"))
    told = " and ".join(f"{name} ({age})" for name, age in people)
    question = (
        f"Book {travel_class} class from {origin} to {target} for {told}, leaving on {start.day} "
        f"{MONTHS[start.month - 1]} {start.year} and coming back {nights} days later."
    )
    wish = call(
        "book_trip",
        **{
            "from": origin,
            "to": target,
            "depart": start.isoformat(),
            "return": (start + timedelta(days=nights)).isoformat(),
            "travellers": [{"name": name, "age": age} for name, age in people],
            "class": travel_class,
        },
    )
    return question, [BOOK, CANCEL, ORDER, REFUND], [wish]


def order(rng: random.Random) -> Task:
    lines = [{"item": item, "count": rng.randint(2, 30)} for item in rng.sample(GOODS, rng.randint(2, 3))]
    city, code, express = rng.choice(CITIES), f"{rng.randint(10000, 99999)}", rng.random() < 0.5
    told = ", ".join(f"{line['count']} {line['item']}" for line in lines)
    speed = "as fast as you can, express" if express else "no hurry, so not by express"
    question = f"We need {told} in {city}, {code}; {speed}."
    wish = call("order_goods", lines=lines, address={"city": city, "zip": code}, express=express)
    return question, [BOOK, CANCEL, ORDER, REFUND], [wish]


def near_miss(rng: random.Random) -> Task:
    """The tools are about trips and orders, the request is too, but none of them does it."""
    name, item, city = rng.choice(NAMES), rng.choice(GOODS), rng.choice(CITIES)
    question = rng.choice(
        (
            f"How many {item} did {name} order last year to {city}?",
            f"Tell {name} in {city} that the {item} are late.",
            f"Which hotel in {city} has the best {item}? {name} asks.",
            f"Put {name} from {city} on the waiting list for {item}.",
        )
    )
    return question, [BOOK, CANCEL, ORDER, REFUND], []


def nested(rng: random.Random) -> Task:
    """Level 3."""
    maker = near_miss if rng.random() < UNFIT else rng.choice((trip, order))
    question, tools, calls = maker(rng)
    shuffled = list(tools)
    rng.shuffle(shuffled)
    return question, shuffled, calls
