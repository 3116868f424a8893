"""BUILD.toml files to targets."""

import pytest

from schema_sql.source import Source
from schema_targets.build_file import Target, read_build_file
from schema_targets.labels import Label, parse_label

FRAGMENT = '[fragment.table]\nsrc = "table.sql"\n'
EXTERNAL = '[external.auth]\nstub = "auth.sql"\nremedy = "Run it."\n'
MIGRATION = '[migration.m]\ntitle = "M"\nout = "out/1_m.sql"\n'


def read(text: str) -> tuple[list[Target], list[str]]:
    """The targets of a BUILD file, and its errors as they print."""
    targets, errors = read_build_file(Source("p/BUILD.toml", text), "p")
    return targets, [str(error) for error in errors]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment"])
def test_an_empty_file_has_no_targets(text: str) -> None:
    """A package that is still empty is no error."""
    assert read(text) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        FRAGMENT + 'deps = [":a", "//q/r:b"]',
        FRAGMENT + 'deps = [ # why\n  ":a", # a\n\n  # b\n  "//q/r:b"\n]',
        "fragment.table.src = 'table.sql'\nfragment.table.deps = [':a', '//q/r:b']",
        "fragment = { table = { src = 'table.sql', deps = [':a', '//q/r:b'] } }",
        "[fragment]\ntable = { src = 'table.sql', deps = [':a', '//q/r:b'] }",
        "[\"fragment\".'table']\n\"src\" = 'table.sql'\n'deps' = [':a', '//q/r:b']",
        "[ fragment . table ] # c\n  src='''table.sql'''\n  deps=[':a','//q/r:b',]",
    ],
    ids=["plain", "lines", "dotted", "inline", "half-inline", "quoted", "spaced"],
)
def test_toml_may_be_written_as_toml_allows(text: str) -> None:
    """Every spelling of the same table makes the same target."""
    (target,), errors = read(text)

    assert errors == []
    assert (target.label, target.kind, target.src) == (Label("p", "table"), "fragment", "table.sql")
    assert [str(label) for label in target.deps] == ["//p:a", "//q/r:b"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("fragment = 5", "1:1: build-file: fragment must be a table with a name"),
        ("\n[[fragment]]\nsrc='a.sql'", "2:1: build-file: fragment must be a table with a name"),
        ("[fragment]\nsrc = 'a.sql'", "1:1: build-file: fragment must be a table with a name"),
        ("[fragmnt.a]", "1:1: build-file: unknown kind of target 'fragmnt'\n  help: did you mean"),
        ("\nzzz = 1", "2:1: build-file: unknown kind of target 'zzz'\n  help: [fragment.NAME]"),
        (FRAGMENT + "dep = []", "3:1: build-file: unknown key 'dep' in [fragment.table]"),
        (FRAGMENT + "stub = 'x.sql'", "3:1: build-file: unknown key 'stub' in [fragment.table]"),
        ("\n[fragment.a]\n", "2:1: build-file: [fragment.a] has no 'src'"),
        ("[fragment.Bad-Name]\nsrc='a.sql'", "1:1: build-file: 'Bad-Name' is no name for a"),
        ('[fragment."a b"]\nsrc="a.sql"', "1:1: build-file: 'a b' is no name for a target"),
        ('[fragment.""]\nsrc="a.sql"', "1:1: build-file: '' is no name for a target"),
        ("[fragment.all]\nsrc='a.sql'", "1:1: build-file: the name 'all' stands for every"),
        ("[fragment.a]\nsrc = 5", "2:7: build-file: src: must be a text of one line"),
        ("[fragment.a]\nsrc = ' '", "2:7: build-file: src: must be a text of one line"),
        ("[fragment.a]\nsrc = '../a.sql'", "2:7: build-file: src: '../a.sql' must be the name"),
        ("[fragment.a]\nsrc = 'a.txt'", "2:7: build-file: src: 'a.txt' must be the name of a"),
        (FRAGMENT + "deps = ':a'", "3:8: build-file: deps: must be a list of texts"),
        (FRAGMENT + "deps = [1]", "3:8: build-file: deps: must be a list of texts"),
        (FRAGMENT + "deps = [[':a']]", "3:8: build-file: deps: must be a list of texts"),
        (FRAGMENT + "deps = {a=1}", "3:8: build-file: deps: must be a list of texts"),
        (
            FRAGMENT + 'deps = [\n  ":a", # x\n  "//Bad:x",\n]',
            "5:3: build-file: deps: '//Bad:x' is not a label; write //package:name or :name",
        ),
        (FRAGMENT + "deps = [':a', '//p:a']", "3:15: build-file: deps: names //p:a twice"),
        (FRAGMENT + "deps = ['//q:all']", "3:9: build-file: deps: //q:all stands for many"),
        (
            "# one\n\nfragment.t.src = 't.sql'\nfragment.t.oops = 1",
            "4:1: build-file: unknown key 'oops' in [fragment.t]",
        ),
        (
            "[fragment]\n\nt = { src = 't.sql', deps = ['bad'] }",
            "3:30: build-file: deps: 'bad' is not a label",
        ),
        (
            FRAGMENT + EXTERNAL.replace("auth]", "table]") + "provides = []",
            "3:1: build-file: fragment and external have the same name 'table'",
        ),
        (EXTERNAL + "provides = ['jwt']", "4:13: build-file: provides: 'jwt' is not an object"),
        (EXTERNAL, "1:1: build-file: [external.auth] has no 'provides'"),
        (MIGRATION + "roots = []", "4:9: build-file: roots: must name what the migration ships"),
        (
            "[migration.m]\ntitle = '''a\nDROP'''\nout = 'o/1_m.sql'\nroots = [':a']",
            "2:9: build-file: title: must be a text of one line",
        ),
        *(
            (
                f"[migration.m]\ntitle = 'M'\nout = '{out}'\nroots = [':a']",
                f"3:7: build-file: out: '{named}' must",
            )
            for out, named in {
                "../1_a.sql": "../1_a.sql",
                "/abs/1_a.sql": "/abs/1_a.sql",
                "C:/1_a.sql": "C:/1_a.sql",
                "out/a.sql": "a.sql",
                "out/1_a.txt": "1_a.txt",
            }.items()
        ),
    ],
)
def test_a_mistake_is_one_error_with_its_line(text: str, error: str) -> None:
    """Each slip in a BUILD file is told once, at its line, and makes no target."""
    targets, errors = read(text)

    assert len(errors) == 1, errors
    assert errors[0].startswith(f"p/BUILD.toml:{error}")
    assert [t for t in targets if t.kind != "fragment" or "same name" not in error] == []


HIDDEN = {
    r"\r": "U+000D",
    r"\u001b": "U+001B",
    r"\u007f": "U+007F",
    r"\u0085": "U+0085",
    r"\u2028": "U+2028",
    r"\u202e": "U+202E",
    r"\ufeff": "U+FEFF",
    "\u2029": "U+2029",
    "\u2066": "U+2066",
    "\t": "U+0009",
    r"\\": "a backslash",
}
"""Characters as a BUILD file writes them, and what is said of them."""

REST = {
    "title": ("[migration.m]\n", "out = 'o/1_m.sql'\nroots = [':a']\n"),
    "out": ("[migration.m]\n", "title = 'M'\nroots = [':a']\n"),
    "remedy": ("[external.e]\n", "stub = 'e.sql'\nprovides = ['role a']\n"),
    "src": ("[fragment.f]\n", ""),
    "stub": ("[external.e]\n", "remedy = 'R'\nprovides = ['role a']\n"),
}


@pytest.mark.parametrize("key", REST)
@pytest.mark.parametrize("hidden", HIDDEN, ids=HIDDEN.values())
def test_no_text_can_end_the_comment_or_string_that_ships_it(key: str, hidden: str) -> None:
    """A carriage return ends a comment of SQL: what stands behind it would be a statement."""
    before, after = REST[key]
    value = f"x{hidden}GRANT ALL ON public.tasks TO anon; --.sql"

    targets, errors = read(f'{before}{key} = "{value}"\n{after}')

    assert targets == []
    (error,) = errors
    column = len(key) + 4
    assert error.startswith(f"p/BUILD.toml:2:{column}: build-file: {key}: holds {HIDDEN[hidden]}")
    assert all(line.isprintable() for line in error.split("\n"))


@pytest.mark.parametrize("hidden", HIDDEN, ids=HIDDEN.values())
def test_no_name_can_hold_what_does_not_print(hidden: str) -> None:
    """Objects are named in the migration; labels and keys of other characters are refused."""
    item = f"'role \"a{hidden}b\"'" if len(hidden) == 1 else f'"role \\"a{hidden}b\\""'
    before = "[external.e]\nstub = 'e.sql'\nremedy = 'R'\n"
    build = f"{before}provides = [\n  'role a', # one\n  {item},\n]\n"

    _, errors = read(build)

    (error,) = errors
    assert error.startswith(f"p/BUILD.toml:6:3: build-file: provides: holds {HIDDEN[hidden]}")

    for text in (
        f'[fragment."a{hidden}"]\nsrc = "a.sql"\n',
        f'[fragment.a]\nsrc = "a.sql"\n"{hidden}" = 1\n',
        f'[fragment.a]\nsrc = "a.sql"\ndeps = [":{hidden}"]\n',
        f'["{hidden}".a]\nsrc = "a.sql"\n',
    ):
        targets, errors = read(text)
        assert len(errors) == 1
        assert targets == []
        assert all(line.isprintable() for line in errors[0].split("\n"))


@pytest.mark.parametrize(
    "title", ['It\'s "done" -- 100 %: a/*.sql, */ $$ über 漢字 😀', "noqualms", "sqlfluff, tried"]
)
def test_text_that_prints_is_anybodys_to_choose(title: str) -> None:
    """Quotes, dollar signs and marks of comments are the assembler's to quote."""
    ((target,), errors) = read(
        f"[migration.m]\ntitle = '''{title}'''\nout = 'o/1_m.sql'\nroots = [':a']"
    )

    assert (target.title, errors) == (title, [])


@pytest.mark.parametrize(
    "title",
    [
        "squawk-ignore-file",
        " NOQA: disable=all",
        "sqlfluff:dialect:ansi",
        "schema-lint: allow x -- y",
    ],
)
def test_a_title_switches_no_check_off(title: str) -> None:
    """The title is a comment of the built file, and some comments are orders to a tool."""
    _, (error,) = read(f"[migration.m]\ntitle = '{title}'\nout = 'o/1_m.sql'\nroots = [':a']")

    assert error.startswith("p/BUILD.toml:2:9: build-file: title: begins with ")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[fragment.a", "1:12: build-file: expected ']'"),
        (FRAGMENT + "deps = [\n':a',\n", "4:6: build-file: invalid value"),
        (FRAGMENT + 'x = "open', "3:10: build-file: "),
        (FRAGMENT + "src = 'b.sql'", "3:14: build-file: cannot overwrite a value"),
        (FRAGMENT + FRAGMENT, "3:16: build-file: cannot declare ('fragment', 'table') twice"),
        ('a = "\x01"', "1:6: build-file: illegal character"),
    ],
)
def test_broken_toml_names_its_place(text: str, error: str) -> None:
    """TOML that does not parse is told by line and column, with the line shown."""
    targets, errors = read(text)

    assert targets == []
    (message,) = errors
    assert message.startswith(f"p/BUILD.toml:{error}")
    assert message.rstrip().endswith("^")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "9" * 5000,
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{a=" * 3000 + "1" + "}" * 3000,
        "a." * 3000 + "b = 1",
        "[" + "a." * 3000 + "b]",
    ],
    ids=["number", "brackets", "braces", "dotted", "header"],
)
def test_toml_too_big_to_read_is_one_error(text: str) -> None:
    """A BUILD file of any shape ends in an error, never in a crash."""
    targets, errors = read(text)

    assert targets == []
    assert len(errors) == 1
    assert "build-file: " in errors[0]


def test_every_mistake_is_told_and_sound_targets_stay() -> None:
    """One broken target does not hide its neighbours, nor their mistakes."""
    targets, errors = read(f"{FRAGMENT}\n[fragment.a]\nsrc = 1\n[external.b]\nfoo = 2\n")

    assert [str(target.label) for target in targets] == ["//p:table"]
    assert [line.split(": ", 2)[2].split("\n")[0] for line in errors] == [
        "src: must be a text of one line",
        "unknown key 'foo' in [external.b]",
        "[external.b] has no 'stub'",
        "[external.b] has no 'provides'",
        "[external.b] has no 'remedy'",
    ]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (":a", Label("p", "a")),
        ("//p:a", Label("p", "a")),
        ("//a/b_2/c:d", Label("a/b_2/c", "d")),
    ],
)
def test_labels_are_read(text: str, label: Label) -> None:
    """A label is short in its own package and full everywhere."""
    assert parse_label(text, "p") == label


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "a", "/p:a", "//:a", "//p", "//p:", "//P:a", "//p:A", "//p/:a", "///p:a"),
        *("//p:a:b", "//p:a b", "//p:a\n", " :a", "//p//q:a", "//../p:a", ":a-b", "//p:é"),
    ],
)
def test_what_is_no_label_is_refused(text: str) -> None:
    """A bad label is told with the shape of a good one."""
    with pytest.raises(ValueError, match="is not a label; write //package:name or :name"):
        parse_label(text, "p")


def test_a_label_of_no_package_must_be_full() -> None:
    """On the command line there is no package that :name could belong to."""
    with pytest.raises(ValueError, match="write //package:name, in lower case"):
        parse_label(":a")
