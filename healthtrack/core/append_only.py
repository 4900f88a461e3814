"""Tables whose rows stay as they were written."""

import pgtrigger
from django.db.models import Model

FUNCTION = """
    CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE insufficient_privilege USING
            MESSAGE = 'Rows of ' || TG_TABLE_NAME || ' are written once, and neither changed nor removed.';
    END $$;
"""


class AppendOnly(pgtrigger.Trigger):
    """Refuses to change or remove rows, whoever asks.

    Its function is ours, for one of pgtrigger's stands aside when a session's setting says so. A migration makes it.
    """

    name = "append_only"
    level = pgtrigger.Statement
    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate
    func = "RETURN NULL;"

    def render_execute(self, model: Model) -> str:
        return "refuse_rewriting()"
