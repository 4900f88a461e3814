"""The roles of the embedded server: a superuser for its set-up, and the role of HealthTrack, which is none."""

SUPERUSER = "postgres"
USER = DATABASE = "healthtrack"

CREATE = f"""
    CREATE ROLE {USER} LOGIN;

    CREATE DATABASE {DATABASE} OWNER {USER};

"""

# Earlier versions connected as the superuser that initdb creates, whose number is always 10. PostgreSQL does not let it
# lose its rights, rename itself, or give away all its objects, because PostgreSQL's own (numbers below 16384) are among
# them. So another superuser renames it, and the objects of HealthTrack go to a new role with the old name. Each script
# may run again after a crash.
RENAME_SUPERUSER = f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE oid = 10 AND rolname = '{USER}') THEN
            CREATE ROLE {USER}_conversion SUPERUSER;
            SET SESSION AUTHORIZATION {USER}_conversion;
            ALTER ROLE {USER} RENAME TO {SUPERUSER};
            CREATE ROLE {USER} LOGIN;
            SET SESSION AUTHORIZATION {SUPERUSER};
            DROP ROLE {USER}_conversion;
        END IF;
    END $$;

"""

GIVE_OBJECTS_TO_USER = f"""
    DO $$ DECLARE object text; BEGIN
        FOR object IN
            SELECT format('SCHEMA %I', nspname) FROM pg_namespace
             WHERE nspowner = 10 AND oid >= 16384 AND nspname NOT LIKE 'pg\\_%'
            UNION ALL
            SELECT format('TABLE %s', oid::regclass) FROM pg_class
             WHERE relowner = 10 AND oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm')
            UNION ALL
            SELECT format('SEQUENCE %s', oid::regclass) FROM pg_class
             WHERE relowner = 10 AND oid >= 16384 AND relkind = 'S'
               AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i'))
            UNION ALL
            SELECT format('TYPE %s', pg_type.oid::regtype) FROM pg_type LEFT JOIN pg_class ON pg_class.oid = typrelid
             WHERE typowner = 10 AND pg_type.oid >= 16384 AND (typtype IN ('d', 'e', 'r') OR relkind = 'c')
            UNION ALL
            SELECT format('ROUTINE %s', oid::regprocedure) FROM pg_proc
             WHERE proowner = 10 AND oid >= 16384
        LOOP
            EXECUTE format('ALTER %s OWNER TO {USER}', object);
        END LOOP;
        ALTER DATABASE {DATABASE} OWNER TO {USER};
    END $$;

"""  # noqa: S608  (made of constants)
