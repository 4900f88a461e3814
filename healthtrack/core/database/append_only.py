"""Make tables append-only: their rows can be inserted, but neither changed nor deleted."""

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
    """Refuse to change or delete rows, for every database role.

    The trigger calls a function of our own, which a migration creates: those of pgtrigger can be switched off by a
    setting of the session.
    """

    name = "append_only"
    level = pgtrigger.Statement
    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate
    func = "RETURN NULL;"

    def __init__(self, *, application_inserts: bool = True) -> None:
        """Declare whether the application role may insert rows itself; otherwise functions of the owner do."""
        super().__init__()
        self.application_inserts = application_inserts

    def render_execute(self, model: Model) -> str:
        return "refuse_rewriting()"
