"""How the cost of reading SQL grows with what there is more of: seconds, and the exponent.

python tools/bench/growth.py [KIND ...]

Each kind of growth is doubled until a step takes a second. An exponent near 1 is linear; 2 is the
square, which a large file makes hopeless.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_lint import lint
from schema_sql.objects import provides, requires
from schema_sql.source import Source
from schema_sql.statements import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CLAIM = "((SELECT auth.jwt()) ->> 'app_code')"
TABLE = (
    "CREATE TABLE public.t "
    "(id UUID PRIMARY KEY, app_code TEXT NOT NULL, a INT, UNIQUE (app_code, id));\n"
)


@dataclass(frozen=True)
class Growth:
    """SQL of which there may be more.

    Attributes:
        each: What is repeated; # stands for the number of the repetition.
        before: What stands before all of it.
        between: What stands between two.
        middle: What stands behind all of it.
        closing: What is repeated behind that as often.
        again: What is repeated behind that once more, as ``each`` is.
        after: What stands at the end.
    """

    each: str
    before: str = ""
    between: str = ""
    middle: str = ""
    closing: str = ""
    again: str = ""
    after: str = ""

    def text(self, size: int) -> str:
        """The SQL with so many of it."""
        each, again = (
            between.join(text.replace("#", str(number)) for number in range(size))
            for text, between in ((self.each, self.between), (self.again, ""))
        )
        return f"{self.before}{each}{self.middle}{self.closing * size}{again}{self.after}"


def _condition(each: str, between: str = "", middle: str = "", closing: str = "") -> Growth:
    """Growth of the condition of a policy."""
    before = f"{TABLE}CREATE POLICY p ON public.t USING ("
    return Growth(each, before, between, middle, closing, after=");")


ALLOW = "-- schema-lint: allow idempotent-drop -- it is there\n"

KINDS = {
    "columns": Growth("c# TEXT", "CREATE TABLE t (", ", ", ");"),
    "columns, a line each": Growth("é# serial8", "CREATE TABLE t (\n", ",\n", ");"),
    "columns with checks": Growth(
        "c# TEXT NOT NULL DEFAULT 'a' CHECK (c# IN ('a', 'b')) UNIQUE",
        "CREATE TABLE public.t (",
        ", ",
        ");",
    ),
    "columns added": Growth("ALTER TABLE public.t ADD c# INT NOT NULL;\n", TABLE),
    "columns dropped": Growth(
        "c# TEXT",
        "CREATE TABLE public.t (",
        ", ",
        ");",
        again="ALTER TABLE public.t DROP c#;\n",
    ),
    "columns that are not there": Growth(
        "c# TEXT",
        "CREATE TABLE public.t (",
        ", ",
        ");",
        again="CREATE INDEX i# ON public.t (x#);\n",
    ),
    "foreign keys": Growth(
        "c# UUID REFERENCES public.t (id)", f"{TABLE}CREATE TABLE public.u (a TEXT, ", ", ", ");"
    ),
    "constraints added": Growth(
        "ALTER TABLE public.t ADD CONSTRAINT k# UNIQUE (app_code, a);\n", TABLE
    ),
    "constraints in one ALTER": Growth(
        "ADD CONSTRAINT k# CHECK (a > #)", f"{TABLE}ALTER TABLE public.t ", ", ", ";"
    ),
    "constraints recreated": Growth(
        "ALTER TABLE public.t DROP CONSTRAINT IF EXISTS k#, ADD CONSTRAINT k# CHECK (a > #);\n",
        TABLE,
    ),
    "constraints dropped": Growth(
        "ALTER TABLE public.t ADD CONSTRAINT k# CHECK (a > #);\n",
        TABLE,
        again="ALTER TABLE public.t DROP CONSTRAINT k#;\n",
    ),
    "indexes": Growth("CREATE INDEX i# ON public.t (app_code, lower('#'));\n", TABLE),
    "indexes alike": Growth("CREATE INDEX i# ON public.t (app_code, a);\n", TABLE),
    "indexes partial": Growth("CREATE INDEX i# ON public.t (a) WHERE a > #;\n", TABLE),
    "indexes dropped": Growth(
        "CREATE INDEX i# ON public.t (app_code, a);\n", TABLE, again="DROP INDEX public.i#;\n"
    ),
    "indexes twice": Growth(
        "CREATE INDEX IF NOT EXISTS i# ON public.t (a);\n",
        TABLE,
        again="CREATE INDEX IF NOT EXISTS i# ON public.t (a);\n",
    ),
    "policies": Growth(
        f"CREATE POLICY p# ON public.t USING (app_code = {CLAIM} OR app_code IS NULL);\n", TABLE
    ),
    "policies that restrict": Growth(
        "GRANT SELECT ON public.t TO authenticated;\n",
        TABLE,
        again=f"CREATE POLICY p# ON public.t AS RESTRICTIVE USING (app_code = {CLAIM});\n",
    ),
    "policies that read the next table": Growth(
        "CREATE TABLE public.t# (id INT);\n"
        "CREATE POLICY p ON public.t# USING (EXISTS (SELECT 1 FROM public.t1#));\n",
    ),
    "branches of OR": _condition("a = # AND app_code = 'x'", " OR "),
    "branches of AND": _condition("a <> #", " AND "),
    "branches nested": _condition("a = # OR (a <> # AND (", "", "a = 0", "))"),
    "values in a list": Growth(
        "#", f"{TABLE}CREATE POLICY p ON public.t USING (a IN (", ", ", "));"
    ),
    "values in a check": Growth("'#'", "CREATE TABLE public.t (a TEXT CHECK (a IN (", ", ", ")));"),
    "keys of a token": Growth(
        " -> 'k#'", f"{TABLE}CREATE POLICY p ON public.t USING (auth.jwt()", "", " = app_code);"
    ),
    "keys of a column": Growth(
        " -> 'k#'", f"{TABLE}CREATE POLICY p ON public.t USING (a", "", " = app_code);"
    ),
    "casts": Growth("::text", f"{TABLE}CREATE POLICY p ON public.t USING (a", "", f" = {CLAIM});"),
    "subqueries": _condition("EXISTS (SELECT 1 FROM public.u WHERE ", "", "a = app_code", ")"),
    "operators": Growth("#", "SELECT ", " || ", ";"),
    "unions": Growth("#", "SELECT ", " UNION ALL SELECT ", ";"),
    "joins": Growth("JOIN public.t# ON true", "SELECT 1 FROM public.t ", " ", ";"),
    "rows": Growth("(#)", "INSERT INTO public.t VALUES ", ", ", ";"),
    "statements": Growth("SELECT #;\n"),
    "statements on a line": Growth("SELECT 'é'; DROP VIEW public.v#; "),
    "tables": Growth("CREATE TABLE public.t# (id INT, app_code TEXT);\n"),
    "comments": Growth("-- schema-lint: é\n", after="SELECT 1;"),
    "comments on a line": Growth("/* schema-lint: é */ ", "SELECT 1 ", middle=";"),
    "comments on columns": Growth("COMMENT ON COLUMN public.t.a IS 'é';\n", TABLE),
    "suppressions": Growth(f"DROP VIEW public.v#; {ALLOW}"),
    "suppressions unused": Growth(f"SELECT 1; {ALLOW}"),
    "suppressions unknown": Growth("SELECT 1; -- schema-lint: allow zzzz# -- x\n"),
    "suppressions above one": Growth(ALLOW, middle="DROP VIEW public.v;"),
    "grants": Growth("GRANT SELECT ON public.t TO authenticated;\n", TABLE),
    "revokes": Growth("REVOKE SELECT ON public.t FROM authenticated;\n", TABLE),
    "functions": Growth(
        "CREATE FUNCTION public.f#() RETURNS INT LANGUAGE sql SECURITY DEFINER AS '';\n",
        again="REVOKE ALL ON FUNCTION public.f# FROM PUBLIC;\n",
    ),
    "statements of a block": Growth("DROP VIEW public.v#;\n", "DO $$ BEGIN\n", "", "END $$;"),
    "statements of a block, one line": Growth(
        "DROP VIEW public.v;", "DO $$ BEGIN ", " ", " END $$;"
    ),
    "blocks": Growth("DO $$ BEGIN DROP VIEW public.v#; END $$;\n"),
    "conditions of a block": Growth(
        "IF f(1) THEN ", "DO $$ BEGIN ", "", "NULL; ", "END IF; ", after="END $$;"
    ),
    "a string": Growth("é " * 100, "SELECT '", "", "';"),
    "a name": Growth("é" * 100, "SELECT ", "", ";"),
    "quotes": Growth("''" * 100, "SELECT '", "", "';"),
}
"""What there may be more of."""


def _read_objects(text: str) -> None:
    for statement in parse(Source("a.sql", text)).every_statement:
        provides(statement)
        requires(statement)


STEPS: dict[str, Callable[[str], object]] = {
    "parse": lambda text: parse(Source("a.sql", text)),
    "objects": _read_objects,
    "lint": lambda text: lint([parse(Source("a.sql", text))]),
}
"""What is done with a text; each step includes parsing it."""


def _seconds(step: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    step(text)
    return time.process_time() - started


def measure(kind: str) -> tuple[int, dict[str, tuple[float, float]]]:
    """Double a kind of growth until a step takes a second.

    Args:
        kind: One of ``KINDS``.

    Returns:
        The last size, and for each step its seconds and the exponent of its last doubling.
    """
    size, last = 50, dict.fromkeys(STEPS, 0.0)
    while True:
        try:
            text = KINDS[kind].text(size * 2)
            now = {name: _seconds(step, text) for name, step in STEPS.items()}
        except Exception as error:  # noqa: BLE001 - beyond what PostgreSQL parses
            print(f"{kind}: {size * 2}: {str(error).splitlines()[0][:80]}", file=sys.stderr)
            break
        size, before, last = size * 2, last, now
        if max(last.values()) > 1:
            break
    return size, {
        name: (last[name], math.log2(last[name] / before[name]) if before[name] > 0.01 else 0.0)
        for name in STEPS
    }


def main(kinds: Iterable[str]) -> int:
    """Measure kinds of growth, all of them where none is named, and print a table."""
    wanted = list(kinds) or list(KINDS)
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        print("usage: python tools/bench/growth.py [KIND ...]", file=sys.stderr)
        print(f"there is no {unknown[0]!r}; there are: {', '.join(KINDS)}", file=sys.stderr)
        return 2
    width = max(map(len, wanted))
    heads = "".join(f"{step:>10}{'exp':>6}" for step in STEPS)
    print(f"{'':{width}}{'size':>9}{heads}")
    for kind in wanted:
        size, costs = measure(kind)
        cells = "".join(f"{seconds:>10.2f}{exponent:>6.1f}" for seconds, exponent in costs.values())
        print(f"{kind:{width}}{size:>9}{cells}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
