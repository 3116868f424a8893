"""The page about mutants and gates: counts, tables and reasons; judges nothing and runs nothing."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from proofs.gates_database import DATABASE_GATES
from proofs.gates_equivalent import reason_to_exclude
from proofs.gates_static import STATIC_GATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from proofs.gates_database import Applied
    from proofs.gates_equivalent import Equivalence
    from proofs.gates_guards import Guarded
    from proofs.gates_mutants import Mutant

GATES = (*STATIC_GATES, *DATABASE_GATES)
"""All gates, from the first that is asked to the last."""

_MEANINGS = {
    "syntax": "PostgreSQL's parser reads the fragment",
    "deps": "declared dependencies are what the SQL refers to, both ways",
    "lint": "the rules over fragments",
    "spec: fragments": "tests/spec, on the parsed fragments",
    "assemble": "the migration can be built and guarded",
    "spec: file": "tests/spec, on the built migration",
    "squawk": "squawk, on the built migration",
    "apply": "the built migration runs on the platform",
    "re-run": "it runs again, and changes nothing",
    "spec: catalog": "tests/spec, on the live catalog",
    "tenancy": "the scenes of tests/database, on the live database",
    "guard": "the true migration refuses the mutant's database, and names the table",
    "advisor": "`supabase db advisors`, on the live database",
}


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: the mutant.
        kills: for each gate that refuses it, what it says.
        asked: the gates that looked at it.
        after: what the true migration did with the mutant's database; empty where not asked.
    """

    mutant: Mutant
    kills: Mapping[str, str]
    asked: tuple[str, ...]
    after: str = ""

    @property
    def families(self) -> set[str]:
        """The gates that refuse it, the specification's three counted as one."""
        return {gate.partition(":")[0] for gate in self.kills}

    @property
    def applied(self) -> bool:
        """Whether it ran on a database."""
        return "apply" in self.asked and "apply" not in self.kills

    def with_database(self, applied: Applied) -> Result:
        """Return it with what more gates that need a database say."""
        return replace(
            self,
            kills={**self.kills, **applied.kills},
            asked=(*self.asked, *applied.asked),
            after=applied.after or self.after,
        )


@dataclass(frozen=True)
class Found:
    """What the proof found.

    Attributes:
        results: what became of each mutant.
        same: those that parse to the original's tree.
        excluded: those that are equivalent for a reason.
        guards: the faults in the tests themselves.
    """

    results: Sequence[Result]
    same: Sequence[Mutant]
    excluded: Sequence[Mutant]
    guards: Sequence[Guarded]


def survivors(results: Iterable[Result]) -> list[Result]:
    """Return the mutants that no gate refuses."""
    return [result for result in results if not result.kills]


def unused_exclusions(
    table: Sequence[Equivalence], excluded: Sequence[Mutant]
) -> list[Equivalence]:
    """Return the reasons that leave nothing out."""
    used = [reason_to_exclude(mutant) for mutant in excluded]
    return [each for each in table if each not in used]


def page(found: Found) -> str:
    """Return the page as Markdown, for a proof of which nothing failed."""
    results = found.results
    parts = [
        "# Every fault is refused by a gate that has a name",
        _summary(found),
        "## Gates",
        _gate_table(results),
        _aftermath(results),
        "## Rules of lint",
        _rule_lists(results),
        "## Mutants",
        _paragraph("How many each gate refuses; by " + _LEGEND),
        _kill_table(results, 1),
        "<details><summary>Each operator by itself</summary>",
        _kill_table(results, 2),
        "</details>",
        "## Left out",
        _exclusions(found),
        "## The gates' own guards",
        "The true schema, and something wrong with the tests: each must turn red.",
        _guard_table(found.guards),
        "## What it does not prove",
        _LIMITS,
        "Again: `nox -s prove_gates`.",
    ]
    return "\n\n".join(parts)


_LIMITS = """\
That the specification is what people wanted: a change is a fault because the specification, a rule
or a scene says so. Two faults at once are not tried, nor is the wording of comments.
`schema build --check` is no gate here: it refuses every change alike. Statements that alter roles
are judged without a database, because roles belong to the whole server."""


def _summary(found: Found) -> str:
    results = found.results
    tried = sum("apply" in result.asked for result in results)
    advised = sum("advisor" in result.asked for result in results)
    first = """\
Each statement of each fragment is changed by operators that work on its parse tree: parts are
dropped, widened, swapped, weakened, added. Each gate judges each mutant by itself, whatever the
others say."""
    second = f"""\
**Score: all {len(results)} mutants refused, 100 %.** {len(found.same)} parse to the
same tree as the original and {len(found.excluded)} are equivalent for the reasons below; neither
counts. {tried} were run on a PostgreSQL: all that fewer than two kinds of gates refuse without one,
and one in four of the others. There the scenes were played for every mutant of an access fragment,
for those that nothing else refuses without a database, and for one in four of the others."""
    third = f"""\
Supabase's advisors take longer than all other gates together, so {advised} mutants were shown to
them: the first of each operator that runs."""
    return "\n\n".join(map(_paragraph, (first, second, third)))


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], *, text_columns: int = 1) -> str:
    marks = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _gate_table(results: Sequence[Result]) -> str:
    asked = Counter(gate for result in results for gate in result.asked)
    kills = Counter(gate for result in results for gate in result.kills)
    alone: Counter[str] = Counter()
    for result in results:
        if len(result.families) == 1:
            # Of the specification's three forms, each that refuses it.
            alone.update(result.kills.keys())
    rows = [(gate, _MEANINGS[gate], asked[gate], kills[gate], alone[gate]) for gate in GATES]
    head = ("gate", "what it asks", "judged", "refused", "alone")
    return (
        _table(head, rows, text_columns=2)
        + "\n\n"
        + _paragraph(
            "Alone: no other of the gates that judged it refuses the mutant; the specification's "
            "three count as one."
        )
    )


def _aftermath(results: Sequence[Result]) -> str:
    after = Counter(result.after for result in results if result.after)
    others = sum(after.values()) - after["refused"] - after["repaired"] - after["left"]
    return _paragraph(
        f"The true migration, run over the database that a mutant made, refused {after['refused']}"
        f" by naming the difference, repaired {after['repaired']}, and left {after['left']} with "
        "something that it does not mind, such as one more column"
        + (f"; {others} ended otherwise." if others else ".")
    )


def _rule_lists(results: Sequence[Result]) -> str:
    found: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for result in results:
        rules = [rule for rule in result.kills.get("lint", "").split(",") if rule]
        found.update(rules)
        if result.families == {"lint"} and len(rules) == 1:
            alone.update(rules)
    return _paragraph(
        "Mutants that a rule refuses, and behind the stroke those that nothing else does: "
        + ", ".join(
            f"{rule} {count}" + (f"/{alone[rule]}" if alone[rule] else "")
            for rule, count in sorted(found.items())
        )
        + "."
    )


_SHORT = {
    "syntax": "sy",
    "deps": "de",
    "lint": "li",
    "spec: fragments": "sf",
    "assemble": "as",
    "spec: file": "sb",
    "squawk": "sq",
    "apply": "ap",
    "re-run": "re",
    "spec: catalog": "sc",
    "tenancy": "te",
    "guard": "gu",
    "advisor": "ad",
}

_LEGEND = ", ".join(f"{short} {gate}" for gate, short in _SHORT.items()) + "."


def _kill_table(results: Sequence[Result], depth: int) -> str:
    """Return a row for each operator's name, as far as its parts go to that depth."""
    mutants: Counter[str] = Counter()
    kills: Counter[tuple[str, str]] = Counter()
    for result in results:
        operator = ": ".join(result.mutant.operator.split(": ")[:depth])
        mutants[operator] += 1
        kills.update((operator, gate) for gate in result.kills)
    rows = [
        (operator, mutants[operator], *(kills[operator, gate] or "" for gate in GATES))
        for operator in sorted(mutants)
    ]
    return _table(("operator", "mutants", *_SHORT.values()), rows)


def _exclusions(found: Found) -> str:
    lines = [
        f"{len(found.same)} mutants have the original's parse tree: what they drop is the default."
    ]
    counts = Counter(reason_to_exclude(mutant) for mutant in found.excluded)
    lines += [f"{count}, `{each.pattern}`: {each.reason}" for each, count in counts.items() if each]
    return _list(lines)


def _guard_table(guards: Sequence[Guarded]) -> str:
    rows = [(guarded.fault, guarded.noticed) for guarded in guards]
    return _table(("what is wrong", "what turned red first"), rows, text_columns=2)
