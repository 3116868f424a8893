"""Ways to break the migration's promises on purpose, so that each test of one is seen to fail."""

from __future__ import annotations

from enum import StrEnum

from database.tenants import PARENTS, TABLES

_CLAIM = "app_code = ((SELECT auth.jwt()) ->> 'app_code')"
_EACH = """
DO $$
DECLARE
  found RECORD;
BEGIN
  FOR found IN
    SELECT * FROM pg_policies
    WHERE schemaname = 'public' AND ({condition})
  LOOP
    EXECUTE format('DROP POLICY %I ON public.%I', found.policyname, found.tablename);
  END LOOP;
END
$$;
"""


class Sabotage(StrEnum):
    """What was done to a migrated database; its value is a word for the test's id."""

    ROW_SECURITY_OFF = "row-security-off"
    POLICIES_TRUE = "policies-true"
    NO_POLICIES = "no-policies"
    NO_RESTRICTIVE_POLICIES = "no-restrictive-policies"
    GRANTED_TO_ALL = "granted-to-all"
    GRANTED_TO_NONE = "granted-to-none"
    KEYS_WITHOUT_TENANT = "keys-without-tenant"
    KEYS_CASCADE = "keys-cascade"
    CLAIM_PER_ROW = "claim-per-row"
    TRUSTING_CLAIMS = "trusting-claims"
    NO_SET_ROLE = "no-set-role"
    """Nothing was done to it, but the test forgets SET ROLE."""

    def sql(self) -> str:
        """Return what to run, as the owner."""
        return _SQL[self]


def _on_each(statement: str) -> str:
    return ";".join(statement.format(table) for table in TABLES) + ";"


def _policies(body: str) -> str:
    create = "CREATE POLICY broken ON public.{0} TO authenticated " + body
    return _EACH.format(condition="TRUE") + _on_each(create)


def _keys(definition: str) -> str:
    return "".join(
        f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_app_code_{column}_fkey,"
        f" ADD {definition.format(column=column, parent=parent)};"
        for (table, column), parent in PARENTS.items()
    )


_METADATA = "((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')"

_SQL = {
    Sabotage.ROW_SECURITY_OFF: _on_each("ALTER TABLE public.{0} DISABLE ROW LEVEL SECURITY"),
    Sabotage.POLICIES_TRUE: _policies("USING (TRUE) WITH CHECK (TRUE)"),
    Sabotage.NO_POLICIES: _EACH.format(condition="TRUE"),
    Sabotage.NO_RESTRICTIVE_POLICIES: _EACH.format(condition="permissive = 'RESTRICTIVE'"),
    Sabotage.GRANTED_TO_ALL: _on_each(
        "GRANT ALL ON public.{0} TO PUBLIC, anon, authenticated, service_role"
    ),
    Sabotage.GRANTED_TO_NONE: _on_each("REVOKE ALL ON public.{0} FROM authenticated, service_role"),
    Sabotage.KEYS_WITHOUT_TENANT: _keys("FOREIGN KEY ({column}) REFERENCES public.{parent} (id)"),
    Sabotage.KEYS_CASCADE: _keys(
        "FOREIGN KEY (app_code, {column}) REFERENCES public.{parent} (app_code, id)"
        " ON DELETE CASCADE"
    ),
    # The obvious spelling, before it was measured.
    Sabotage.CLAIM_PER_ROW: _policies("USING (app_code = auth.jwt() ->> 'app_code')"),
    Sabotage.TRUSTING_CLAIMS: _policies(
        f"USING ({_CLAIM} OR app_code = {_METADATA}"
        " OR lower((SELECT auth.jwt()) ->> 'app_code') LIKE '%' || app_code || '%')"
    ),
    Sabotage.NO_SET_ROLE: "",
}
