"""The scaffolder for rules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


@pytest.fixture
def new_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The scaffolder, in an empty repository."""
    spec = importlib.util.spec_from_file_location("new_rule", ROOT / "tools" / "new_rule.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / module.RULES).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return module


def test_a_new_rule_has_all_its_files(new_rule: ModuleType) -> None:
    """The module runs as it is, and has every section that the tests ask for."""
    assert new_rule.main(["my-rule"]) == 0
    folder = new_rule.RULES / "my_rule"
    assert {path.name for path in folder.iterdir()} == {"__init__.py", "good.sql", "bad.sql"}
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    compile(text, "my_rule", "exec")
    assert all(section in text for section in ("What:", "Why:", "Instead:", "When to allow:"))
    assert 'ID = "my-rule"' in text


def test_a_rule_that_exists_is_not_overwritten(
    new_rule: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """What somebody wrote stays."""
    assert new_rule.main(["my-rule"]) == 0
    module = new_rule.RULES / "my_rule" / "__init__.py"
    module.write_text("mine", encoding="utf-8")
    assert new_rule.main(["my-rule"]) == 2
    assert module.read_text(encoding="utf-8") == "mine"
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["My_Rule"], ["../x"], ["a", "b"], ["a-"]])
def test_an_id_that_is_none_is_refused(new_rule: ModuleType, arguments: list[str]) -> None:
    """Nothing is written."""
    assert new_rule.main(arguments) == 2
    assert list(new_rule.RULES.iterdir()) == []


def test_it_says_where_it_must_run(
    new_rule: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere it makes no folders."""
    monkeypatch.chdir(new_rule.RULES)
    assert new_rule.main(["my-rule"]) == 2
    assert "run it from the root" in capsys.readouterr().err
