"""Mutants of the fragments: knows which statement is changed by which operators; judges nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proofs.gates_access import grant_mutations, policy_mutations, row_security_mutations
from proofs.gates_statements import (
    added_statements,
    comment_mutations,
    drop_policy_mutations,
    order_mutations,
)
from proofs.gates_tables import index_mutations, table_mutations
from proofs.gates_text import Code, apply_edits
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from proofs.gates_mutation import Mutation
    from schema_sql.statements import SqlFile
    from schema_targets.workspace import Workspace


@dataclass(frozen=True)
class Mutant:
    """A fragment with one fault in it.

    Attributes:
        path: the fragment's.
        line: where the changed statement begins.
        operator: what kind of change it is.
        fact: what was changed, in a few words.
        text: the fragment's new text.
        server_wide: it changes roles of the whole server, so no shared server may run it.
        tree: what it parses to, or its text where it does not: two of one tree are one.
        same_tree: that is the original's tree, so it is the original.
    """

    path: str
    line: int
    operator: str
    fact: str
    text: str
    server_wide: bool = False
    tree: Hashable = field(default=None, repr=False, compare=False)
    same_tree: bool = False

    @property
    def table(self) -> str:
        """The table that the fragment is about: its folder."""
        return self.path.split("/")[-2]

    @property
    def name(self) -> str:
        """What reports and exclusions call it: the same as long as the SQL is."""
        return f"{self.table}: {self.operator}: {self.fact}"


_OPERATORS: dict[str, Callable[[Code], Iterator[Mutation]]] = {
    "CreateStmt": table_mutations,
    "IndexStmt": index_mutations,
    "CreatePolicyStmt": policy_mutations,
    "DropStmt": drop_policy_mutations,
    "GrantStmt": grant_mutations,
    "AlterTableStmt": row_security_mutations,
    "CommentStmt": comment_mutations,
}


def all_mutants(workspace: Workspace) -> list[Mutant]:
    """Return every mutant of every fragment.

    Args:
        workspace: whose fragments.

    Returns:
        The mutants in the order of the fragments; of several with one parse tree, the first.

    Raises:
        SourceError: a fragment cannot be read.
        KeyError: a fragment has a kind of statement that no operator is known for.
    """
    found: dict[tuple[str, Hashable], Mutant] = {}
    for target in workspace.of_kind("fragment"):
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            raise sql
        for mutant in _of_fragment(sql):
            found.setdefault((mutant.path, mutant.tree), mutant)
    return list(found.values())


def sample(mutants: Sequence[Mutant], most: int) -> list[Mutant]:
    """Choose some mutants.

    Args:
        mutants: from which.
        most: how many of each operator, at most.

    Returns:
        The chosen ones, spread evenly over the fragments.
    """
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        groups[mutant.operator].append(mutant)
    chosen = {
        group[index * len(group) // min(most, len(group))].name
        for group in groups.values()
        for index in range(min(most, len(group)))
    }
    return [mutant for mutant in mutants if mutant.name in chosen]


def _of_fragment(sql: SqlFile) -> Iterator[Mutant]:
    original = _tree(sql)
    codes = [Code(statement) for statement in sql.statements]
    for code in codes:
        for mutation in _OPERATORS[code.statement.kind](code):
            yield _mutant(sql, code, mutation, original)
    for code, mutation in (*order_mutations(codes), *added_statements(codes)):
        yield _mutant(sql, code, mutation, original)


def _mutant(sql: SqlFile, code: Code, mutation: Mutation, original: Hashable) -> Mutant:
    text = apply_edits(sql.source.text, mutation.edits)
    try:
        tree = _tree(parse(Source(sql.path, text)))
    except SourceError:
        tree = text
    return Mutant(
        sql.path,
        code.statement.position().line,
        mutation.operator,
        mutation.fact,
        text,
        mutation.server_wide,
        tree,
        tree == original,
    )


def _tree(sql: SqlFile) -> Hashable:
    text = repr([(statement.kind, shape(statement.node)) for statement in sql.statements])
    return hashlib.sha256(text.encode()).hexdigest()
