"""House rules that a machine can hold: sizes, names, no prints, no traces of where the code was written."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE, MAX_FUNCTION = 500, 80  # lines
VAGUE = re.compile(r"utils?|common|helpers?|misc|manager", re.IGNORECASE)
MAY_PRINT = ("rlstack/cli/", "rlstack/run.py", "rlstack/__main__.py", "scripts/", "bench/", "models/publish.py")


def files(pattern: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True)
    if done.returncode:  # a copy without its history
        found = [f for f in ROOT.rglob(pattern) if not {".venv", "build"} & set(f.relative_to(ROOT).parts)]
    else:
        found = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return sorted(f for f in found if f.is_file() and not f.is_symlink())


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_files_and_functions_have_one_purpose_and_one_screen():
    long = []
    for file in files("*.py"):
        text = file.read_text()
        if (lines := text.count("\n")) > MAX_FILE:
            long.append(f"{name(file)}: {lines} lines, at most {MAX_FILE}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MAX_FUNCTION:
                    long.append(f"{name(file)}:{node.lineno} {node.name}: {lines} lines, at most {MAX_FUNCTION}")
    assert not long, "split by noun:\n" + "\n".join(long)


def test_names_say_what_a_thing_is():
    vague = [name(f) for f in files("*.py") if VAGUE.fullmatch(f.stem) or VAGUE.fullmatch(f.parent.name)]
    for file in files("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?)$", node.name):
                vague.append(f"{name(file)}:{node.lineno} {node.name}")
    assert not vague


def test_only_the_command_line_prints():
    printing = []
    for file in files("*.py"):
        if name(file).startswith((*MAY_PRINT, "tests/")) or file.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                printing.append(f"{name(file)}:{node.lineno}")
    assert not printing


def test_nothing_is_left_for_later():
    mark = re.compile("#.*\\b(" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b")
    left = [
        f"{name(file)}:{number}"
        for file in files("*.py")
        if not name(file).startswith("rlstack/cli/")  # templates for authors may leave something to them
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if mark.search(line)
    ]
    assert not left
