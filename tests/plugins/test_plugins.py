"""Where envs and rewards are found, and what is said when they are not."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rlstack import plugins
from rlstack.api import Response
from rlstack.errors import PluginError
from rlstack.plugins import check_names, env_names, list_envs, load_env, load_reward, reward_label, reward_names

ENV = """
from rlstack.api import Env, Row
ROWS = [Row.ask("q", {{}}, "a")]
ENV = Env(name="{name}", rewards={{"{name}": 1.0}}, rows=lambda split: ROWS, facts={{"licence": "x"}})
"""
REWARD = """
from rlstack.api import judged
DEADLINE_S = 0.5
def score(response, data):
    return judged(float(response.text == data["answer"]))
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def test_ours_are_found_from_anywhere_and_by_their_real_module(here):
    assert {"math", "logic", "instruction", "structured", "sql", "temporal"} <= set(env_names())
    env = load_env("math")
    assert env.generate is not None
    assert env.generate.__module__ == "rlstack.envs.math.env"
    assert "words" not in env_names()


def test_a_folder_of_the_user_is_a_plugin(here):
    _write(here / "envs/mine/env.py", "from .parts import NAME\n" + ENV.format(name="mine"))
    _write(here / "envs/mine/parts.py", "NAME = 1\n")
    _write(here / "envs/mine/reward.py", REWARD)
    assert "mine" in env_names()
    assert load_env("mine").name == "mine"
    assert "mine" in reward_names()
    reward = load_reward("mine")
    assert reward.deadline_s == 0.5
    assert reward.origin == str(here / "envs/mine/reward.py")
    assert reward.score(Response("a"), {"answer": "a"}).value == 1.0


def test_listing_names_imports_nothing(here):
    _write(here / "envs/bomb/env.py", "raise SystemExit('boom')")
    _write(here / "rewards/bomb.py", "import this_is_not_there")
    assert "bomb" in env_names()
    assert "bomb" in reward_names()


def test_broken_plugins_fail_only_when_used_and_are_listed_with_their_last_line(here):
    _write(here / "envs/bad/env.py", "x = 1\nraise ValueError('no data here')")
    assert load_env("math").name == "math"
    with pytest.raises(PluginError, match=r"env 'bad' cannot be imported\n  ValueError: no data here\n  at .*env.py:2"):
        load_env("bad")
    listed = {one.name: one for one in list_envs()}
    assert listed["bad"].problem == "ValueError: no data here"
    assert listed["math"].problem == ""
    assert listed["math"].facts["licence"] == "Apache-2.0"


def test_exit_and_syntax_errors_of_a_plugin_are_reported(here):
    _write(here / "envs/quits/env.py", "raise SystemExit(3)")
    _write(here / "envs/typo/env.py", "def f(:\n")
    with pytest.raises(PluginError, match="SystemExit: 3"):
        load_env("quits")
    with pytest.raises(PluginError, match=r"SyntaxError: .*\n  at .*typo/env\.py:1"):
        load_env("typo")


def test_a_name_found_twice_names_both_and_says_how_to_mend(here):
    mine = _write(here / "envs/math/env.py", ENV.format(name="math"))
    with pytest.raises(PluginError) as error:
        load_env("math")
    ours = str((plugins._HERE / "envs/math/env.py").resolve())
    assert str(mine) in str(error.value)
    assert ours in str(error.value)
    assert "envs.math.path=<folder>" in str(error.value)
    assert "found twice" in next(one.problem for one in list_envs() if one.name == "math")
    assert load_env("./envs/math").rewards == {"math": 1.0}, "the path says which"
    assert load_env("logic").name == "logic", "others are not disturbed"


def test_a_reward_found_twice(here):
    _write(here / "rewards/exact.py", REWARD)
    with pytest.raises(PluginError, match=r"reward 'exact' is found in 2 places"):
        load_reward("exact")
    assert load_reward("./rewards/exact.py").deadline_s == 0.5


def test_our_own_folders_as_working_directory_are_no_duplicates(monkeypatch):
    monkeypatch.chdir(plugins._HERE.parent)
    assert load_env("math").name == "math"


def test_unknown_names_suggest_the_nearest(here):
    with pytest.raises(PluginError, match="no env is named 'maht': did you mean 'math'"):
        load_env("maht")
    with pytest.raises(PluginError, match="no reward is named 'exakt': did you mean 'exact'"):
        load_reward("exakt")


def test_explicit_paths(here):
    folder = here / "elsewhere/countdown"
    _write(folder / "env.py", ENV.format(name="countdown"))
    _write(folder / "reward.py", REWARD)
    for path in (str(folder), str(folder / "env.py"), "./elsewhere/countdown"):
        assert load_env(path).name == "countdown"
    with pytest.raises(PluginError, match="no reward is named 'countdown'"):
        load_reward("countdown")
    assert load_reward("countdown", env=str(folder)).origin == str(folder / "reward.py")
    with pytest.raises(PluginError, match="does not exist"):
        load_env("./nowhere/at_all")


def test_an_env_given_by_its_path_has_its_own_reward_whatever_else_has_the_name(here):
    _write(here / "envs/units/env.py", ENV.format(name="units"))
    _write(here / "envs/units/reward.py", REWARD)
    copy = here / "copy/units"
    _write(copy / "env.py", ENV.format(name="units"))
    _write(copy / "reward.py", REWARD)
    assert load_reward("units", env="./copy/units").origin == str(copy / "reward.py")
    assert load_reward("exact", env="./copy/units").name == "exact", "another reward is found as ever"
    assert check_names("units", ["units"], "./copy/units") == []


def test_a_missing_reward_of_an_env_says_which_file_does_not_exist(here):
    _write(here / "envs/mine/env.py", ENV.format(name="mine"))
    with pytest.raises(PluginError, match=f"no reward is named 'mine': {here}/envs/mine/reward.py does not exist"):
        load_reward("mine")
    with pytest.raises(PluginError, match=r"reward\.py does not exist"):
        load_reward("./envs/mine")


def test_the_folder_of_an_env_names_the_reward_in_it(here):
    _write(here / "envs/mine/env.py", ENV.format(name="mine"))
    _write(here / "envs/mine/reward.py", REWARD)
    _write(here / "envs/mine/__init__.py", "")
    assert load_reward("./envs/mine").deadline_s == 0.5


@pytest.mark.parametrize("weight", ["'1'", "None", "float('inf')"])
def test_a_weight_that_is_no_number(here, weight):
    text = "ROWS = []\nfrom rlstack.api import Env\n"
    _write(here / "envs/odd/env.py", f"{text}ENV = Env(name='odd', rewards={{'x': {weight}}}, rows=lambda split: ROWS)")
    with pytest.raises(PluginError, match=r"rewards\['x'\] is .* a weight is a number\n  at .*envs/odd/env.py:3"):
        load_env("odd")


def test_two_folders_of_one_name_do_not_meet_in_memory(here):
    for place, licence in (("a", "one"), ("b", "two")):
        _write(here / place / "twin/env.py", ENV.format(name="twin").replace('"x"', f'"{licence}"'))
    assert load_env("./a/twin").facts["licence"] == "one"
    assert load_env("./b/twin").facts["licence"] == "two"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no ENV"),
        ("ENV = 3", "found a int"),
        (ENV.format(name="other"), "ENV.name is 'other', but its folder is named 'odd'"),
        ("from rlstack.api import Env\nENV = Env(name='odd', rewards={}, rows=lambda split: [])", "names no reward"),
    ],
)
def test_contract_of_an_env(here, text, message):
    _write(here / "envs/odd/env.py", text)
    with pytest.raises(PluginError, match=message):
        load_env("odd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"defines no score\(response, data\)"),
        ("DEADLINE_S = 0\ndef score(response, data): ...", "DEADLINE_S is 0"),
        ("DEADLINE_S = 'soon'\ndef score(response, data): ...", "DEADLINE_S is 'soon'"),
    ],
)
def test_contract_of_a_reward(here, text, message):
    _write(here / "rewards/odd.py", text)
    with pytest.raises(PluginError, match=message):
        load_reward("odd")


def test_a_reward_loads_again_by_its_origin_in_another_process_and_directory(here, tmp_path_factory):
    _write(here / "rewards/pack/__init__.py", "from .inner import *\n")
    _write(here / "rewards/pack/inner.py", REWARD)
    origins = [load_reward("pack").origin, load_reward("exact").origin, load_reward("json_schema").origin]
    code = "import sys\nfrom rlstack.plugins import load_reward\nfor o in sys.argv[1:]: print(load_reward(o).name)"
    done = subprocess.run(
        [sys.executable, "-c", code, *origins],
        cwd=tmp_path_factory.mktemp("empty"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["pack", "exact", "json_schema"]


def test_installed_plugins(here, monkeypatch):
    package = here / "site/somebody"
    _write(package / "__init__.py", "")
    _write(package / "far.py", ENV.format(name="far"))
    _write(package / "judge.py", REWARD)
    _write(
        here / "site/somebody-1.0.dist-info/entry_points.txt",
        """
        [rlstack.envs]
        far = somebody.far:ENV
        [rlstack.rewards]
        judge = somebody.judge
        verdict = somebody.judge:score
        """,
    )
    _write(here / "site/somebody-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(here / "site"))
    plugins._entry_points.cache_clear()
    try:
        assert load_env("far").name == "far"
        judge, verdict = load_reward("judge"), load_reward("verdict")
        assert (judge.deadline_s, verdict.deadline_s) == (0.5, 0.5)
        for one in (judge, verdict):
            assert load_reward(one.origin) == one
        _write(here / "envs/far/env.py", ENV.format(name="far"))
        with pytest.raises(PluginError, match=r"installed entry point somebody\.far:ENV"):
            load_env("far")
    finally:
        plugins._entry_points.cache_clear()


def test_imports_are_light():
    code = (
        "import sys, rlstack.plugins as p\np.env_names()\n"
        "print([m for m in ('torch', 'vllm', 'ray', 'transformers', 'sympy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reward_given_by_its_path_is_called_by_its_file_or_folder(tmp_path):
    (tmp_path / "brief.py").write_text("def score(response, data): ...")
    (tmp_path / "kind").mkdir()
    (tmp_path / "kind" / "reward.py").write_text("def score(response, data): ...")
    given = [str(tmp_path / "brief.py"), str(tmp_path / "kind"), "math", "far=package.module:score"]
    assert [reward_label(name) for name in given] == ["brief", "kind", "math", "far"]
    with pytest.raises(PluginError, match="does not exist"):
        reward_label(str(tmp_path / "none.py"))
