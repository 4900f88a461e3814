"""The SQL that creates a trigger of the history with its function. Migrations refer to it, so never change it."""

import pgtrigger.compiler


class HistoryTriggerSql(pgtrigger.compiler.UpsertTriggerSql):
    """Creates a function with its owner's rights, and the trigger that calls it.

    So nobody needs the right to insert into `changes`. The function could write forged rows if it were attached to
    another table, such as a temporary one. Hence nobody but its owner may execute it, which firing a trigger does not
    need, and it refuses other tables. The attributes are in the CREATE statement, because CREATE OR REPLACE resets
    them. No setting of the session switches it off, unlike the functions of pgtrigger.
    """

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION public.{pgid}() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
                BEGIN
                    IF TG_RELID <> 'public.{table}'::regclass THEN
                        RAISE insufficient_privilege USING
                            MESSAGE = 'This trigger only writes the history of the table {table}.';
                    END IF;
                    {func}
                END;
            $$;
            REVOKE ALL ON FUNCTION public.{pgid}() FROM PUBLIC;
            DROP TRIGGER IF EXISTS {pgid} ON public.{table};
            CREATE TRIGGER {pgid}
                {when} {operation} ON public.{table}
                {referencing}
                FOR EACH {level}
                EXECUTE FUNCTION public.{pgid}();
            COMMENT ON TRIGGER {pgid} ON public.{table} IS '{hash}';
        """
