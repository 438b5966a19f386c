"""Results of rehearsals as they look in practice: passed, failed, refused, unavailable and huge."""

from __future__ import annotations

from collections import Counter

from ops.verdict import (
    Base,
    Chain,
    Contract,
    ContractFile,
    Counts,
    Difference,
    Failure,
    Lint,
    Lock,
    MigrationResult,
    Reapply,
    Rehearsal,
    Rls,
    RlsFinding,
    RlsTable,
    Rollback,
    Verdict,
)

BASE = Base(
    place="throw-away",
    server_version="18.6",
    major=18,
    stand_ins=("pg_cron", "pg_net", "http", "supabase_vault", "pgmq"),
    warnings=("supabase/config.toml names major version 15; this rehearsal ran on 18.",),
)


def migration(
    number: int, name: str, *, rollback: Rollback | None = None, error: Failure | None = None, **more: object
) -> MigrationResult:
    """Return one migration's result; it is applied and proven unless something else is said."""
    version = f"2025{number:010d}"
    file = f"supabase/migrations/{version}_{name}.sql"
    proven = Rollback(
        script=f"supabase/rollbacks/{version}_{name}.down.sql", status="proven", rows_seen=40, duration_ms=3.2
    )
    facts = {
        "file": file,
        "version": version,
        "name": name,
        "status": "failed" if error else "applied",
        "duration_ms": 12.25,
        "locks": (Lock(object=f"public.{name}", mode="AccessExclusiveLock"),),
        "attempts": 1,
        "lock_timeout_ms": 5000,
        "wal_bytes": 8192,
        "error": error.model_copy(update={"file": file}) if error else None,
        "rollback": rollback or (Rollback(status="skipped") if error else proven),
        "reapply": Reapply(status="skipped" if error or rollback else "same"),
    }
    return MigrationResult.model_validate({**facts, **more})


def rehearsal(*migrations: MigrationResult, ok: bool = True, **more: object) -> Rehearsal:
    """Return a whole result over these migrations with its counts."""
    status = Counter(each.status for each in migrations)
    rollbacks = Counter(each.rollback.status for each in migrations)
    counts = Counts(
        files=len(migrations),
        pending=len(migrations),
        applied=status["applied"],
        failed=status["failed"],
        refused=status["refused"],
        skipped=status["skipped"],
        rollbacks_proven=rollbacks["proven"],
        rollbacks_wrong=rollbacks["differs"] + rollbacks["failed"],
        rollbacks_missing=rollbacks["missing"],
    )
    facts = {
        "ok": ok,
        "summary": "every migration applies and every rollback restores." if ok else "something is wrong.",
        "verdict": Verdict.PASSED if ok else Verdict.FAILED,
        "project": "storefront",
        "environment": "throw-away",
        "commit": "3f2a9c1",
        "change_digest": "9b74c9897bac770ffc029102a200c5de" * 2,
        "started": "2025-10-19T14:02:11+00:00",
        "duration_ms": 3210.0,
        "base": BASE,
        "counts": counts,
        "migrations": migrations,
    }
    return Rehearsal.model_validate({**facts, **more})


def passed() -> Rehearsal:
    """Return a rehearsal in which everything holds but two scripts are missing."""
    missing = Rollback(status="missing")
    return rehearsal(
        migration(1, "catalog"),
        migration(2, "orders"),
        migration(3, "guided_selling_graph", rollback=missing),
        migration(4, "cwv_revenue_telemetry", rollback=missing),
        chain=Chain(status="proven"),
        contract=Contract(files=(ContractFile(name="supabase/rls_tests.sql", planned=12, passed=12),)),
        rls=Rls(tables=tuple(RlsTable(table=f"public.t{n}", enabled=True, policies=2) for n in range(18))),
    )


def failed() -> Rehearsal:
    """Return a rehearsal with something wrong of every kind."""
    error = Failure(
        message='column "sku" referenced in foreign key constraint does not exist',
        sqlstate="42703",
        hint="There is a column named “sku_id” in the table.",
        line=14,
        column=3,
        statement=(
            "alter table public.programmatic_seo_blueprints\n  add constraint blueprint_sku\n"
            "  foreign key (sku)\n  references public.products (id);"
        ),
    )
    differences = (
        Difference(kind="index", object="public.orders_created_at_idx", after="CREATE INDEX ..."),
        Difference(kind="column", object="public.orders.note", before="text, 4th", after="text, 7th"),
        Difference(kind="policy", object="public.orders: staff read", before="using (is_staff())"),
        Difference(kind="rows", object="public.prices", note="3 of 40 rows lost"),
        Difference(kind="function", object="public.total(uuid)", after="CREATE FUNCTION ..."),
    )
    script = "supabase/rollbacks/20250000000002_orders.down.sql"
    return rehearsal(
        migration(1, "catalog", lint=(Lint(rule="prefer-bigint", message="Use bigint.", line=3, column=5),)),
        migration(2, "orders", rollback=Rollback(script=script, status="differs", differences=differences)),
        migration(3, "programmatic_seo_blueprints", error=error),
        migration(4, "guided_selling_graph", status="skipped", rollback=Rollback(status="skipped")),
        migration(5, "ab_harness_exposures", status="skipped", rollback=Rollback(status="missing")),
        ok=False,
        summary="1 of 5 migrations failed and 1 rollback does not restore.",
        contract=Contract(
            files=(
                ContractFile(
                    name="supabase/rls_tests.sql",
                    planned=12,
                    passed=11,
                    failed=1,
                    failures=("anon reads orders",),
                ),
                ContractFile(name="supabase/tests/prices.test.sql", planned=4, passed=4),
            )
        ),
        rls=Rls(
            tables=(
                RlsTable(table="public.orders", enabled=True, policies=1),
                RlsTable(table="public.prices", enabled=False),
            ),
            findings=(
                RlsFinding(
                    table="public.prices", message="row level security is off, and anon may select, insert"
                ),
                RlsFinding(table="public.orders", level="warning", message="has no policy for insert"),
            ),
        ),
        findings=("The project expects to touch *_pricing.sql, which is not pending.",),
    )


def refused() -> Rehearsal:
    """Return a rehearsal that refused a bad file before anything ran."""
    error = Failure(
        message="the file has a NUL byte, at which Postgres would stop reading and report success. "
        "Remove the byte.",
        line=3,
        column=17,
    )
    bad = migration(2, "orders", error=error, status="refused", rollback=Rollback(status="missing"))
    others = (migration(n, "catalog", status="skipped", rollback=Rollback(status="missing")) for n in (1, 3))
    return rehearsal(
        bad,
        *others,
        ok=False,
        verdict=Verdict.REFUSED,
        summary="1 of 3 files cannot be rehearsed, so nothing ran.",
        base=Base(place="throw-away"),
    )


def unavailable() -> Rehearsal:
    """Return a rehearsal whose database was not reached."""
    said = 'connection failed: connection to server at "10.1.2.3", port 5432 failed: Connection refused'
    return rehearsal(
        ok=False,
        verdict=Verdict.UNAVAILABLE,
        summary="The database was not reached, so nothing was rehearsed.",
        base=Base(place="in-place"),
        error=Failure(message=said, sqlstate="08001"),
    )


def huge() -> Rehearsal:
    """Return a rehearsal of 300 migrations, each with a wrong rollback and long names."""
    many = tuple(
        Difference(kind="column", object=f"public.{'wide_' * 12}table.column_{n}", after="integer")
        for n in range(50)
    )
    wrong = Rollback(script=f"supabase/rollbacks/{'long_' * 20}down.sql", status="differs", differences=many)
    return rehearsal(*(migration(n, f"{'long_' * 20}{n}", rollback=wrong) for n in range(300)), ok=False)


ALL = {"passed": passed, "failed": failed, "refused": refused, "unavailable": unavailable, "huge": huge}
