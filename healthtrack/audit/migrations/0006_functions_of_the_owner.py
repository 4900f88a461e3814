from django.db import migrations

# It runs with the rights of the owner, so that the application role needs none to insert into the access log.
RECORD_ACCESS = """
    CREATE FUNCTION public.record_access(
        page text, patient_ids text[], file_patients text, run_id bigint, file_rows bigint, filters text[],
        client_address inet
    ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
        INSERT INTO public.access_log
               (person_id, page, patient_ids, file_patients, run_id, file_rows, asked, client_address, request)
        VALUES (nullif(current_setting('healthtrack.person', true), '')::integer, page, patient_ids,
                string_to_array(file_patients, chr(31)), run_id, file_rows, filters, client_address,
                coalesce(current_setting('healthtrack.request', true), ''));
    END $$;
    COMMENT ON FUNCTION public.record_access(text, text[], text, bigint, bigint, text[], inet) IS
        'Adds a row to the access log, for the person and request of the settings healthtrack.person and .request';
    REVOKE ALL ON FUNCTION public.record_access(text, text[], text, bigint, bigint, text[], inet) FROM PUBLIC;
"""
DROP_RECORD_ACCESS = "DROP FUNCTION public.record_access(text, text[], text, bigint, bigint, text[], inet)"
# Attached to a temporary table, a trigger function with its owner's rights would write forged rows.
REVOKE_TRIGGER_FUNCTIONS = """
    DO $$
    DECLARE
        statement text;
    BEGIN
        FOR statement IN
            SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM %s', oid::regprocedure,
                          CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
              FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) AS granted
             WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype
               AND grantee <> proowner AND pg_has_role(proowner, 'USAGE')
        LOOP
            EXECUTE statement;
        END LOOP;
    END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_patients_of_files"),
    ]

    operations = [
        migrations.RunSQL(RECORD_ACCESS, DROP_RECORD_ACCESS),
        migrations.RunSQL(REVOKE_TRIGGER_FUNCTIONS, migrations.RunSQL.noop),
    ]
