"""Mail people when an import of theirs has finished or waits for them, if they want that."""

from healthtrack.accounts import mail
from healthtrack.accounts.models import Preferences
from healthtrack.imports.models import ImportRun

PURPOSE = "finished import"
_TEXT = """\
{news}.

Sign in to HealthTrack to see it, at Imports.

You receive this because you chose it in your preferences.
"""


def mail_result(run: ImportRun) -> None:
    """Mail the person of a run that has news for them, after the transaction that ended it.

    The mail names no file and no patient.
    """
    if not (run.is_unseen and run.started_by and run.started_by.email and mail.is_configured()):
        return
    if Preferences.objects.filter(user=run.started_by, mails_of_imports=True).exists():
        news = f"Import {run.run_id}: {run.get_state_display().lower()}"
        mail.send(run.started_by, PURPOSE, news, _TEXT.format(news=news))
