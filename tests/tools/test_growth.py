"""What reading SQL costs grows as the SQL does: counted in calls, not seconds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> Any:
    """A module of tools/bench."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools/bench" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look for their module.
    spec.loader.exec_module(module)
    return module


growth = load("growth")


def calls(step: Any, text: str) -> int:
    """How many functions, C's among them, a step calls."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        step(text)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("kind", growth.KINDS)
def test_twice_as_much_sql_costs_twice_as_much(kind: str) -> None:
    """No kind of growth costs the square: 1,600 columns or 20,000 branches are read in seconds."""
    for name, step in growth.STEPS.items():
        step(growth.KINDS[kind].text(80))  # What is made once, and remembered.
        few, twice, four_times = (
            calls(step, growth.KINDS[kind].text(size)) for size in (20, 40, 80)
        )
        # 1 is linear, 2 the square.
        assert four_times - twice <= 1.25 * 2 * (twice - few) + 100, name


def test_the_benchmark_prints_a_line_a_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A maintainer reads sizes, seconds and exponents; an unknown kind is wrong usage."""
    seconds = iter(range(100))
    monkeypatch.setattr(growth, "_seconds", lambda *_: next(seconds))

    assert growth.main(["columns"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["size", *(word for step in growth.STEPS for word in (step, "exp"))]
    assert line.split()[:2] == ["columns", "100"]
    assert growth.main(["nonsense"]) == 2
    assert "usage: python tools/bench/growth.py" in capsys.readouterr().err
