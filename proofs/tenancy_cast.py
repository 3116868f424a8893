"""Who sends statements: tenants with codes easily taken for one another, strangers, the engine."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache

from proofs.tenancy_model import CODES, Caller

SERVICE = Caller("service_role", "service_role")
NO_TOKEN = Caller("authenticated, no token", "authenticated")


@dataclass(frozen=True)
class Cast:
    """Who takes part in an example.

    Attributes:
        apps: the codes of its tenants.
        tenants: a signed-in user of each.
        strangers: signed in, and of no tenant, though their tokens come near.
        anon: somebody who is not signed in.
    """

    apps: tuple[str, ...]
    tenants: tuple[Caller, ...]
    strangers: tuple[Caller, ...]
    anon: Caller

    @property
    def callers(self) -> tuple[Caller, ...]:
        """All who send statements; tenants and the engine more often than the others."""
        return (*self.tenants * 8, *(SERVICE,) * 8, *self.strangers, *(self.anon,) * 3)

    def viewers(self, step: int) -> tuple[Caller, ...]:
        """Return who looks at everything after a step, beside anon.

        Args:
            step: its number; before the first all strangers look, later two of them in turn.
        """
        if not step:
            return (*self.tenants, SERVICE, *self.strangers)
        some = (self.strangers[(2 * step + each) % len(self.strangers)] for each in (0, 1))
        return (*self.tenants, SERVICE, *some)


@cache
def cast(apps: tuple[str, ...]) -> Cast:
    """Return who takes part where these are the tenants; strangers come near the first of them."""
    first = apps[0]
    return Cast(
        apps,
        tuple(Caller(app, "authenticated", json.dumps({"app_code": app}), app) for app in apps),
        _strangers(first),
        Caller("anon", "anon", json.dumps({"app_code": first}), first),
    )


def _strangers(app: str) -> tuple[Caller, ...]:
    claimed = (
        ("null", None, None),
        ("empty", "", ""),
        ("an array", [app], json.dumps([app])),
        ("an object", {"app_code": app}, json.dumps({"app_code": app})),
        ("a number", 7, "7"),
        ("a boolean", True, "true"),
        ("a pattern", "%", "%"),
        ("in other capitals", app.swapcase(), app.swapcase()),
        ("with a blank before it", f" {app}", f" {app}"),
        ("with a letter too many", f"{app}x", f"{app}x"),
        ("with a letter too few", app[:-1], app[:-1]),
        ("of no application", "delta", "delta"),
    )
    return (
        NO_TOKEN,
        _stranger("no app_code", {}, app),
        _stranger("app_code in app_metadata alone", {"app_metadata": {"app_code": app}}, app),
        *(
            _stranger(f"app_code {words}", {"app_code": value}, app, claim)
            for words, value, claim in claimed
        ),
    )


def _stranger(words: str, claims: dict[str, object], app: str, claim: str | None = None) -> Caller:
    # What a user may write into his own token must never count, nor what names no tenant.
    forged = {"user_metadata": {"app_code": app}, "role": "service_role"}
    return Caller(f"authenticated, {words}", "authenticated", json.dumps(claims | forged), claim)


CASTS = tuple(cast(apps) for apps in itertools.permutations(CODES, 3))
"""Every choice of three applications, in every order."""
