"""Find out from PostgreSQL's catalogue whether the database role could change the history and the access log."""

from django.db import connection

from healthtrack.operations.database_roles import append_only_tables, tables_written_by_owner

# All roles that the session can switch to count, because SET ROLE gives it their rights.
_ROLES = "SELECT oid, rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')"
# By code, which the queries return with what the sentence names.
_WAYS = {
    "superuser": "is a superuser",
    "create_role": "may give itself other roles (CREATEROLE)",
    "switch_triggers": "may switch triggers off (SET ON PARAMETER session_replication_role)",
    "member": "is a member of {}",
    "own_schema": "owns the schema {}",
    "own_table": "owns the table {}",
    "write": "has {1} on the table {0}",
    "create_objects": "may create objects in the schema public",
    "create_schemas": "may create schemas (CREATE on the database)",
    "execute": "may execute the trigger function {}",
}
_POWERS = """
    SELECT 'superuser', '' FROM pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 'create_role', '' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
    UNION ALL
    SELECT 'switch_triggers', ''
     WHERE has_parameter_privilege('session_replication_role', 'SET')
    UNION ALL
    SELECT 'member', rolname FROM pg_roles
     WHERE rolname IN ('pg_execute_server_program', 'pg_write_server_files') AND pg_has_role(oid, 'MEMBER')
    UNION ALL
    SELECT 'own_schema', nspname FROM pg_namespace
     WHERE nspname = 'public' AND pg_has_role(nspowner, 'MEMBER')
"""
_MAY_CREATE = f"""
    WITH roles AS ({_ROLES})
    SELECT 'create_schemas', '' FROM roles
     WHERE has_database_privilege(oid, current_database(), 'CREATE')
    UNION
    SELECT 'create_objects', '' FROM roles WHERE has_schema_privilege(oid, 'public', 'CREATE')
    UNION
    SELECT 'execute', pg_proc.oid::regproc::text FROM roles, pg_proc
     WHERE pronamespace = 'public'::regnamespace AND prosecdef AND prorettype = 'trigger'::regtype
       AND has_function_privilege(roles.oid, pg_proc.oid, 'EXECUTE')
     ORDER BY 1, 2
"""  # noqa: S608  (made of constants)
_OWNED = """
    SELECT 'own_table', relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER')
     ORDER BY relname <> ALL (%(tables)s::text[]), relname
"""
_WRITABLE = f"""
    WITH roles AS ({_ROLES}),
    trail AS (
        SELECT to_regclass('public.' || name) AS relid FROM unnest(%(tables)s::text[]) AS name
        UNION
        SELECT relid FROM unnest(%(tables)s::text[]) AS name, pg_partition_tree(to_regclass('public.' || name))
    )
    SELECT 'write', relid::regclass::text, string_agg(DISTINCT right_name, ', ')
      FROM trail, roles, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS right_name
     WHERE (has_table_privilege(roles.oid, relid, right_name)
            OR right_name IN ('INSERT', 'UPDATE') AND has_any_column_privilege(roles.oid, relid, right_name))
       AND (right_name <> 'INSERT' OR coalesce(pg_partition_root(relid), relid)
                                      IN (SELECT to_regclass('public.' || name)
                                            FROM unnest(%(written_by_owner)s::text[]) AS name))
     GROUP BY relid
     ORDER BY relid::regclass::text
"""  # noqa: S608  (made of constants)


def role_of_session() -> str:
    """Return the name of the database role of this session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (name,) = cursor.fetchone()
    return str(name)


def ways_to_rewrite_history() -> list[str]:
    """Return what lets the session's role change, delete or bypass the history, as phrases, the most serious first."""
    ways: list[str] = []
    with connection.cursor() as cursor:
        for query in (_POWERS, _OWNED, _WRITABLE, _MAY_CREATE):
            cursor.execute(query, {"tables": append_only_tables(), "written_by_owner": tables_written_by_owner()})
            ways.extend(_WAYS[code].format(*names) for code, *names in cursor.fetchall())
    return ways
