"""What is said of mutants and gates: a page of claims, and the counts that a run prints.

It judges nothing and runs nothing.
"""

from __future__ import annotations

import difflib
import textwrap
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from proofs.gates_database import DATABASE_GATES
from proofs.gates_equivalent import EQUIVALENT, TRACELESS, find_reason
from proofs.gates_static import STATIC_GATES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from proofs.gates_copies import Guarded
    from proofs.gates_database import Applied
    from proofs.gates_equivalent import Reason
    from proofs.gates_mutants import Mutant

GATES = (*STATIC_GATES, *DATABASE_GATES)
"""All gates, from the first that is asked to the last."""

GUARD = "guard"
"""The gate that needs the true migration to compare with, and so kills nothing by itself."""

FAMILIES = tuple(dict.fromkeys(gate.partition(":")[0] for gate in GATES))
"""All gates, the specification's three counted as one."""

_MEANINGS = {
    "syntax": "PostgreSQL's parser reads the fragment",
    "deps": "declared dependencies are what the SQL refers to, both ways",
    "lint": "the rules over fragments",
    "spec: fragments": "tests/spec, on the parsed fragments",
    "assemble": "the migration can be built and guarded; what deps has said is not counted again",
    "spec: file": "tests/spec, on the built migration",
    "squawk": "squawk, on the built migration",
    "apply": "the built migration runs on the platform",
    "re-run": "it runs again, and changes nothing",
    "spec: catalog": "tests/spec, on the live catalog",
    "seed": "the rows of two tenants, with which the scenes begin, fit in",
    "tenancy": "the scenes of tests/database, on the live database",
    "guard": "the migration in production refuses the mutant's database, and names the table",
    "advisor": "`supabase db advisors`, on the live database",
}


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: the mutant.
        kills: for each gate that refuses it, what it says.
        asked: the gates that looked at it.
        built: whether a migration can be made of it.
        after: what the true migration did with the mutant's database; empty where not asked.
        unchanged: it ran and ended in the original's catalog, and a second run changes nothing.
        crashes: tests that judged nothing, because they ended in an error of their own.
    """

    mutant: Mutant
    kills: Mapping[str, str]
    asked: tuple[str, ...]
    built: bool = True
    after: str = ""
    unchanged: bool = False
    crashes: tuple[str, ...] = ()

    @property
    def families(self) -> set[str]:
        """The gates that refuse it, the specification's three counted as one."""
        return {gate.partition(":")[0] for gate in self.kills}

    @property
    def applied(self) -> bool:
        """Whether it ran on a database."""
        return "apply" in self.asked and "apply" not in self.kills

    @property
    def stillborn(self) -> bool:
        """Whether it can be seen not to run: no migration can be made, or PostgreSQL refuses it."""
        return not self.built or "apply" in self.kills

    def with_database(self, applied: Applied) -> Result:
        """Return it with what more gates that need a database say.

        Args:
            applied: what they say.

        Returns:
            Both together.
        """
        return replace(
            self,
            kills={**self.kills, **applied.kills},
            asked=(*self.asked, *applied.asked),
            after=applied.after or self.after,
            unchanged=applied.unchanged or self.unchanged,
            crashes=(*self.crashes, *applied.crashes),
        )


@dataclass(frozen=True)
class Found:
    """What the proof found.

    Attributes:
        results: what became of each mutant.
        same: those that parse to the original's tree.
        excluded: what became of those that are equivalent for a reason.
        worlds: the faults in how the scenes are played.
        emptied: the faults in the lists that tests draw from.
        shipped: the faults in what the build adds to the fragments.
        rules: the names of all rules of lint.
    """

    results: Sequence[Result]
    same: Sequence[Mutant] = ()
    excluded: Sequence[Result] = ()
    worlds: Sequence[Guarded] = ()
    emptied: Sequence[Guarded] = ()
    shipped: Sequence[Guarded] = ()
    rules: Collection[str] = ()

    @property
    def guarded(self) -> list[Guarded]:
        """All faults that are none of the fragments'."""
        return [*self.worlds, *self.emptied, *self.shipped]


def survivors(results: Iterable[Result], without: str = "") -> list[Result]:
    """Return the mutants that no gate refuses, the guard left out.

    Args:
        results: what became of each.
        without: a gate of FAMILIES to switch off.

    Returns:
        The survivors, in their order.
    """
    return [result for result in results if not result.families - {GUARD, without}]


def unused_reasons(reasons: Sequence[Reason], mutants: Iterable[Mutant]) -> list[Reason]:
    """Return the reasons that apply to nothing.

    Args:
        reasons: the reasons.
        mutants: what they might apply to.

    Returns:
        Those that do not.
    """
    used = {find_reason(reasons, mutant) for mutant in mutants}
    return [each for each in reasons if each not in used]


def idle_gates(results: Iterable[Result]) -> list[str]:
    """Return the gates that refuse nothing, and so were not seen to be able to.

    Args:
        results: what became of each mutant.

    Returns:
        Their names, in the order in which they are asked.
    """
    busy = {gate for result in results for gate in result.kills}
    return [gate for gate in GATES if gate not in busy]


def silent_rules(rules: Collection[str], results: Iterable[Result]) -> list[str]:
    """Return the rules of lint that refuse nothing.

    Args:
        rules: the names of all.
        results: what became of each mutant.

    Returns:
        Their names, sorted.
    """
    return sorted(set(rules) - {rule for result in results for rule in _rules(result)})


def _rules(result: Result) -> list[str]:
    return [rule for rule in result.kills.get("lint", "").split(",") if rule]


def page(found: Found, originals: Mapping[str, str]) -> str:
    """Write the page for a proof of which nothing failed.

    Args:
        found: what it found.
        originals: the texts of the fragments, by path.

    Returns:
        Markdown.
    """
    results = found.results
    parts = [
        "# Every mutant of the fragments is refused by a gate that has a name",
        *map(_paragraph, (_SCORE, _WORDS, _WHO)),
        _example(results, originals),
        "## Gates",
        "Each of them refused at least one mutant, and so did each rule of lint.",
        _table(("gate", "what it asks"), _MEANINGS.items(), text_columns=2),
        _paragraph(_SWITCHED_OFF),
        "## What is changed",
        _operator_table(results),
        "## Left out: equivalent",
        _paragraph(_EQUIVALENT),
        _reason_table(EQUIVALENT),
        "## Faults that leave no trace in the catalog",
        _paragraph(_NO_TRACE),
        _reason_table(TRACELESS),
        "## The gates' own guards",
        "The true schema, and something wrong with how the scenes are played: each must turn red.",
        _guard_table(found.worlds),
        "A list that tests draw from is empty, in a copy of the tests: pytest must turn red.",
        _guard_table(found.emptied),
        "## What the build adds",
        _paragraph(_ADDED),
        _guard_table(found.shipped),
        "## What it does not prove",
        _LIMITS,
        "Again: `nox -s prove_gates`. It prints how many mutants there are of each kind.",
    ]
    return "\n\n".join(parts)


def counts(found: Found) -> str:
    """Count what the proof found. No page holds this, because each new column would change it.

    Args:
        found: what it found.

    Returns:
        Markdown, to print.
    """
    results = found.results
    refused = len(results) - len(survivors(results))
    excluded = sum(bool(result.kills) for result in found.excluded)
    noticed = sum(bool(guarded.noticed) for guarded in found.guarded)
    summary = (
        f"{refused} of {len(results)} mutants refused; {noticed} of {len(found.guarded)} other "
        f"faults noticed. {len(found.same)} changes parse to the original's tree; "
        f"{len(found.excluded)} are equivalent, of which a gate refuses {excluded} all the same."
    )
    parts = [
        summary,
        "Gates:",
        _gate_table(results),
        _aftermath(results),
        "Mutants that survive where one gate is switched off:",
        _off_table(results),
        "Rules of lint: mutants that each refuses, and those that nothing else refuses:",
        _rule_table(found),
        "Operators: mutants, those that do not run, and what each gate refuses: " + _LEGEND,
        _kill_table(results),
        "Equivalent:",
        _count_table(EQUIVALENT, [result.mutant for result in found.excluded]),
        "Without a trace in the catalog:",
        _count_table(TRACELESS, [result.mutant for result in results if result.unchanged]),
    ]
    return "\n\n".join(parts)


_SCORE = """\
**All mutants are refused.** So are all faults in the tests themselves and in what the build
adds. Changes that parse to the original's tree, and those that are equivalent, are no mutants."""

_WORDS = """\
A *mutant* is a fragment in which one operator has changed one place that its parse tree names: a
part dropped, widened, swapped, weakened or added; two of one parse tree count once. A gate *kills*
it where it refuses it by an assertion, a rule or PostgreSQL's refusal; a test that ends in any
other error, and a server in trouble, fail the proof. It is *equivalent* where it ends in the
original's catalog, running it again changes nothing, and a reason below says why that is no
accident: the proof runs each of those too."""

_WHO = """\
Not every gate judges every mutant. Those that need no database judge all that they can read; from
`deps` on, they see the dependencies as `schema deps --fix` would write them. On a PostgreSQL run
all that fewer than two kinds of gates refuse without one, and one in eight of the others. The
scenes are played for some of those that change the catalog: all of access fragments, all that
nothing refuses without a database, and one in eight of the others. Supabase's advisors take longer
than all other gates together, so they see the first of each operator that runs."""

_EQUIVALENT = """\
Changes that have the original's parse tree drop or say a default. The others that are left out are
these; the proof fails where a reason applies to nothing."""

_SWITCHED_OFF = """\
The run prints how many mutants would have survived had one gate not been there. The specification's
three forms count as one gate. The guard's refusal counts for no mutant: it compares with the
migration in production, and in a pull request it is made of the same changed fragments."""

_NO_TRACE = """\
Some mutants in the score end in the original's catalog all the same. They are faults for what they
do on the way, or elsewhere. Where any other mutant does so, the proof fails."""

_ADDED = """\
No fragment holds the lock, the guard and the end of the file. Each of these faults was made in a
copy of the built migration, and the test beside it turned red there, and was green without the
fault."""

_LIMITS = """\
That the specification is what people wanted: a change is a fault because the specification, a rule
or a scene says so. Faults that none of these operators makes, and two faults at once, are not
tried, nor is the wording of comments. `schema build --check` is no gate here: it refuses every
change alike. Statements that alter roles are judged without a database, because roles belong to the
whole server."""


_EXAMPLE = "instance_tasks: policy: OR TRUE: app_isolation: USING"


def _example(results: Sequence[Result], originals: Mapping[str, str]) -> str:
    result = next(result for result in results if result.mutant.name == _EXAMPLE)
    old = originals[result.mutant.path].splitlines()
    lines = difflib.unified_diff(old, result.mutant.text.splitlines(), lineterm="", n=1)
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return "\n".join(["One of them:", "", "```diff", *shown, "```"])


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False, break_long_words=False)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], *, text_columns: int = 1) -> str:
    marks = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


def _gate_table(results: Sequence[Result]) -> str:
    asked = Counter(gate for result in results for gate in result.asked)
    kills = Counter(gate for result in results for gate in result.kills)
    rows = [(gate, _MEANINGS[gate], asked[gate], kills[gate]) for gate in GATES]
    return _table(("gate", "what it asks", "judged", "refused"), rows, text_columns=2)


def _off_table(results: Sequence[Result]) -> str:
    rows = []
    for family in FAMILIES:
        if family != GUARD:
            alive = survivors(results, family)
            example = " ".join(alive[0].mutant.name.split()) if alive else ""
            rows.append((family, len(alive) or "none", f"`{example}`" if example else ""))
    return _table(("switched off", "survive", "the first"), rows, text_columns=3)


def _aftermath(results: Sequence[Result]) -> str:
    after = Counter(result.after for result in results if result.after)
    others = sum(after.values()) - after["refused"] - after["repaired"] - after["left"]
    return _paragraph(
        "The migration in production, run over the database that a mutant made, refused "
        f"{after['refused']} by naming the difference, repaired {after['repaired']}, and left "
        f"{after['left']} with something that it does not mind, such as one more column"
        + (f"; {others} ended otherwise." if others else ".")
    )


def _rule_table(found: Found) -> str:
    judged = (*found.results, *found.excluded)
    refused = Counter(rule for result in judged for rule in _rules(result))
    alone = Counter(
        rule
        for result in found.results
        for rule in _rules(result)
        if result.families == {"lint"} and len(_rules(result)) == 1
    )
    rows = [(rule, count, alone[rule] or "") for rule, count in sorted(refused.items())]
    return _table(("rule", "refused", "alone"), rows)


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
    "seed": "se",
    "tenancy": "te",
    "guard": "gu",
    "advisor": "ad",
}

_LEGEND = ", ".join(f"{short} {gate}" for gate, short in _SHORT.items()) + "."


def _operator_table(results: Sequence[Result]) -> str:
    """Return a row for each kind of place, with what is done to it."""
    changes: dict[str, set[str]] = {}
    for result in results:
        place, _, change = result.mutant.operator.partition(": ")
        changes.setdefault(place, set()).add(change)
    rows = [(place, "; ".join(sorted(names))) for place, names in sorted(changes.items())]
    return _table(("place", "changes"), rows, text_columns=2)


def _kill_table(results: Sequence[Result]) -> str:
    mutants: Counter[str] = Counter()
    stillborn: Counter[str] = Counter()
    kills: Counter[tuple[str, str]] = Counter()
    for result in results:
        operator = result.mutant.operator
        mutants[operator] += 1
        stillborn[operator] += result.stillborn
        kills.update((operator, gate) for gate in result.kills)
    rows = [
        (
            operator,
            mutants[operator],
            stillborn[operator] or "",
            *(kills[operator, gate] or "" for gate in GATES),
        )
        for operator in sorted(mutants)
    ]
    return _table(("operator", "mutants", "do not run", *_SHORT.values()), rows)


def _reason_table(reasons: Sequence[Reason]) -> str:
    rows = [(each.what, each.why, f"`{each.pattern}`") for each in reasons]
    return _table(("what", "why", "named"), rows, text_columns=3)


def _count_table(reasons: Sequence[Reason], mutants: Iterable[Mutant]) -> str:
    found = Counter(find_reason(reasons, mutant) for mutant in mutants)
    return _table(("what", "mutants"), [(each.what, found[each]) for each in reasons])


def _guard_table(guards: Sequence[Guarded]) -> str:
    rows = [(guarded.fault, guarded.noticed) for guarded in guards]
    return _table(("what is wrong", "what turned red"), rows, text_columns=2)
