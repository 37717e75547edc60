"""Check the configuration of the instance that is about to start: its variables and its address."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.host import NextInstance, OwnHost
from runbook_checks.inputs.address import Address, Malformed, loose_password, split

# Schemes of drivers and frameworks, without SQLAlchemy's `+driver`: django-environ, dj-database-url, Rails, Doctrine.
_SCHEMES = {
    "postgresql": ("postgresql", "postgres", "postgis", "pgsql", "psql", "cockroachdb", "ecto"),
    "mysql": ("mysql", "mysql2", "mariadb", "mysql-connector", "mysqlgis", "ecto"),
}
JDBC = "an address of JDBC"
# Forms that some drivers take and that this check does not read.
_OTHER_FORMS = {
    r"(?i:jdbc):": JDBC,
    r"[\w ]+=[^;]*;\s*[\w ]+=": "a list of pairs with ';' between them",
    r"[^/?#]*@?(?:tcp|unix)\([^()]*\)/": "a DSN of Go's MySQL driver",
}
_PAIRS = re.compile(r"\s*(?:host|hostaddr|port|user|password|dbname|sslmode)\s*=", re.ASCII)


@symptom("preflight.variable-missing")
def check_variables_are_set(instance: NextInstance) -> None:
    """A service without its variables does not start, or starts with defaults that are not meant for production."""
    variables = instance.read()
    Found.all(
        Found(
            "unset" if name not in variables else "blank",
            seen=f"{name} is {'not set' if name not in variables else 'blank'} in {instance.source}",
            wanted=f"{name} set and not blank",
            subject=name,
            variable=name,
            source=instance.source,
        )
        for name in instance.settings.required
        if not variables.get(name, "").strip()
    )


@symptom("preflight.memory-fallback")
def check_database_is_switched_on(instance: NextInstance) -> None:
    """In production the service refuses to start with memory alone. This is known before the failed start."""
    variables, rule, mode = instance.read(), instance.settings.store, instance.settings.mode
    if rule is None or mode is None:
        pytest.skip("variables.store and variables.mode are not configured")
    if variables.get(mode.variable, "").strip().lower() != mode.production.lower():
        pytest.skip(f"{mode.variable} is not {mode.production}: memory alone is allowed")
    evidence = {"mode_variable": mode.variable, "dsn_variable": rule.dsn, "variable": rule.enabled}
    enabled = variables.get(rule.enabled, "").strip()
    if enabled.lower() not in ("true", "1", "t"):
        raise Found(
            "postgres-disabled",
            seen=f"{rule.enabled} is {enabled!r} while {mode.variable} is {mode.production}",
            wanted=f"{rule.enabled}=true",
            value=enabled or "not set",
            **evidence,
        )
    if not variables.get(rule.dsn, "").strip():
        raise Found(
            "dsn-missing",
            seen=f"{rule.dsn} is not set while {rule.enabled} is {enabled} and {mode.variable} {mode.production}",
            wanted=f"{rule.dsn} set",
            value="not set",
            **evidence,
        )


@symptom("preflight.dsn-malformed")
def check_dsn_names_a_database(instance: NextInstance) -> None:
    """Otherwise the first query shows that a DSN is cut short or points to another engine."""
    variables = instance.read()
    looked_at = {name: variables[name] for name in instance.settings.dsn if variables.get(name, "").strip()}
    if not looked_at:
        pytest.skip(f"none of {', '.join(instance.settings.dsn) or 'the DSN variables'} is set")
    problems = [_dsn_problem(name, dsn.strip(), instance.settings.dsn[name]) for name, dsn in looked_at.items()]
    Found.all(problem for problem in problems if problem)
    for name, dsn in looked_at.items():
        if form := _other_form(dsn.strip()):
            raise NoReading("variables", f"{name} is {form}, which is not read", kind="dsn-unsupported")


def _other_form(dsn: str) -> str | None:
    return next((form for pattern, form in _OTHER_FORMS.items() if re.match(pattern, dsn, re.ASCII)), None)


def _dsn_problem(name: str, dsn: str, engine: str) -> Found | None:
    """What is wrong with a DSN, without quoting any of it."""
    wanted = f"{engine}://USER:PASSWORD@HOST:PORT/DATABASE"
    form = _other_form(dsn)
    is_pairs = engine == "postgresql" and _PAIRS.match(dsn)

    def found(cause: str, seen: str, **evidence: str) -> Found:
        return Found(
            cause,
            seen=f"{name} {seen}",
            wanted=wanted,
            subject=name,
            variable=name,
            engine=engine,
            **evidence,
        )

    if form and form != JDBC:
        return None
    if is_pairs:
        named, missing = engine, _missing({*re.findall(r"(?:^|\s)(\w+)\s*=", dsn, re.ASCII)})
    else:
        try:
            parts = split(dsn, is_list=engine == "postgresql")
        except Malformed as error:
            return found("not-a-url", f"can't be understood: {error}")
        named, missing = parts.scheme, _missing(_given(parts))
    if named.removeprefix("jdbc:").split("+")[0] not in _SCHEMES[engine]:
        return found("wrong-engine", f"names {named!r}, another engine", scheme=named)
    if missing and not form:
        return found("part-missing", f"has no {', '.join(missing)}", missing=", ".join(missing), scheme=named)
    return None


def _given(parts: Address) -> set[str]:
    """The parts of a URL, by libpq's names; libpq takes each of them from the query as well."""
    has = {"host": all(host for host, _ in parts.hosts), "user": parts.user, "dbname": parts.path.strip("/")}
    return {part for part, value in has.items() if value} | parse_qs(parts.query).keys()


def _missing(given: set[str]) -> list[str]:
    """Every driver has a default port, so that a DSN needs none."""
    ways = {"host": {"host", "hostaddr"}, "user": {"user"}, "database": {"dbname", "database"}}
    return [part for part, names in ways.items() if not names & given]


@symptom("preflight.example-credential")
def check_secrets_are_no_samples(instance: NextInstance) -> None:
    """A secret printed in a runbook is known to everybody who ever read it."""
    if instance.run.environment.tier == "development":
        pytest.skip("samples are allowed in development")
    variables, rule = instance.read(), instance.settings
    found = []
    for name in rule.secret:
        value = variables.get(name, "").strip()
        secret = _password(value) if name in rule.dsn else value
        if not secret:
            continue
        cause = (
            "sample-value" if secret in rule.samples else "too-short" if len(secret) < rule.shortest_secret else None
        )
        if cause:
            what = "is a sample printed in the runbook" if cause == "sample-value" else f"has {len(secret)} characters"
            wanted = f"a secret of its own, {rule.shortest_secret} characters or more"
            part = "the password in " if name in rule.dsn else ""
            found.append(
                Found(
                    cause,
                    seen=f"{part}{name} {what}",
                    wanted=wanted,
                    subject=name,
                    variable=name,
                    shortest=rule.shortest_secret,
                )
            )
    Found.all(found)


def _password(dsn: str) -> str:
    """The password; in a malformed DSN, the part that was most likely meant."""
    try:
        return split(dsn, is_list=True).password
    except Malformed:
        return loose_password(dsn)


@symptom("preflight.wrong-mode")
def check_production_runs_in_production_mode(instance: NextInstance) -> None:
    """A service in development mode lacks checks that production needs."""
    if instance.run.environment.tier != "production":
        pytest.skip(f"{instance.run.environment.name} is not a production environment")
    rule = instance.settings.mode
    if rule is None:
        pytest.skip("variables.mode is not configured")
    value = instance.read().get(rule.variable, "").strip()
    if value and value.lower() != rule.production.lower():
        raise Found(
            "development-mode",
            seen=f"{rule.variable} is {value!r} in a production environment",
            wanted=f"{rule.variable}={rule.production}",
            variable=rule.variable,
            value=value,
            expected=rule.production,
        )


@symptom("preflight.address-in-use")
def check_address_is_free(host: OwnHost) -> None:
    """Two processes cannot listen on one address: the start fails, or the old version keeps answering."""
    if not host.settings.here:
        pytest.skip("host.here is not set: the suite does not run on the service's host")
    held = host.holder(*host.place)
    if held is None:
        return
    program = host.settings.program
    cause = None
    if held.pid is not None:
        is_ours = bool(program) and program in (held.name, held.program)
        cause = "held-by-previous-instance" if is_ours else "held-by-other-process"
    who = f"{held.name} (pid {held.pid})" if held.pid is not None else "a process that only its owner or root may see"
    raise Found(
        cause,
        seen=f"{host.address} is held by {who}",
        wanted="no process listens there",
        address=host.address,
        pid=held.pid if held.pid is not None else "unknown",
        program=held.name or "unknown",
    ).among(("held-by-previous-instance", "held-by-other-process"), {})
