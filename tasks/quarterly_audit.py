"""The steps of the quarterly audit, one for each thing that is looked at."""

from __future__ import annotations

from ops import access, access_rights, audit_checks, storage_policies
from tasks import drill_trigger
from tasks.checking import look

check_lints = look(audit_checks.check_lints, title="Run the security lints", evidence="audit-lints")
check_contract = look(
    audit_checks.check_contract, title="Try row level security as each role", evidence="audit-rls-contract"
)
check_storage = look(
    storage_policies.check_storage, title="Review buckets and policies of Storage", evidence="audit-storage"
)
check_roles = look(access.check_roles, title="Review the roles", evidence="audit-roles")
check_table_rights = look(
    access_rights.check_table_rights, title="Review the rights on tables", evidence="audit-table-rights"
)
check_default_privileges = look(
    access_rights.check_default_privileges,
    title="Review the default privileges",
    evidence="audit-default-privileges",
)
check_secrets = look(access.check_secrets, title="Review the age of secrets", evidence="audit-secrets")
check_drill = look(audit_checks.check_drill, title="Check when a drill has passed", evidence="audit-drill")
trigger_drill = look(drill_trigger.trigger, title="Start the restore drill", evidence="audit-drill-trigger")
