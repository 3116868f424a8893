"""The command says the same where Python was told to drop docstrings and assertions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# One process a level: starting Python for each of 70 questions would take a minute.
EVERYTHING = """
import contextlib
from schema_cli.main import VERBS, main
from schema_lint import rules

questions = [["--help"], ["explain"], *([verb, "--help"] for verb in VERBS)]
for question in [*questions, *(["explain", rule.id] for rule in rules())]:
    print(question)
    with contextlib.suppress(SystemExit):
        main(question)
"""

TOOLS = ("new_rule.py", "new_table.py", "list_builtins.py", "bench/scale.py")


def ask(level: str, *arguments: str) -> str:
    """What a Python of an optimization level prints, errors included."""
    command = [sys.executable, *([level] if level else []), *arguments]
    process = subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert "Traceback" not in process.stdout
    return process.stdout


@pytest.fixture(scope="module")
def plain() -> str:
    """What the command says of all its verbs and rules without optimization."""
    return ask("", "-c", EVERYTHING)


@pytest.mark.parametrize("level", ["-O", "-OO"])
def test_every_verb_and_rule_is_documented_at_every_optimization_level(
    plain: str, level: str
) -> None:
    """`PYTHONOPTIMIZE=2 schema explain RULE` prints the documentation of the rule."""
    assert ask(level, "-c", EVERYTHING) == plain
    assert plain.count("When to allow: ") > 50


def test_style_without_docstrings_is_one_clear_error() -> None:
    """The style cannot be checked there: the remedy is named, and nothing passes unchecked."""
    said = ask("-OO", "-m", "schema_cli", "style", "--no-cache")
    assert said.startswith("schema: sqlfluff needs docstrings, which PYTHONOPTIMIZE=2 and -OO ")
    assert "\n  help: unset PYTHONOPTIMIZE, or set it to 1\n" in said


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_prints_its_usage_at_every_optimization_level(tool: str) -> None:
    """A wrong argument is answered with the usage, and never with the word None."""
    usage = ask("-OO", f"tools/{tool}", *(["x"] if tool == "bench/scale.py" else []))
    assert usage.startswith("usage: python tools/")
    assert usage == ask("", f"tools/{tool}", *(["x"] if tool == "bench/scale.py" else []))
