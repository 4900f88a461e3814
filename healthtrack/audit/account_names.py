"""All user names that accounts have or had: the history shows the name of its time, and no name is used again."""

import unicodedata

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import CharField, F, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat, Trim

from healthtrack.audit.triggers import DefinerTrigger
from healthtrack.core.database.append_only import AppendOnly

USED_ONCE = "account_names_used_once"
MESSAGE = "Another account has or had the user name %s. User names are not used again; choose another one."
MIXED = "The user name %s mixes letters of several alphabets, which look alike. Use letters of one alphabet."
_ALPHABETS_ALIKE = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC"}


class AccountName(models.Model):
    """A user name that an account has or had. A trigger writes it."""

    name_id = models.BigAutoField(primary_key=True, db_comment="Number; the last one of an account is its present name")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_comment="Account that had the name"
    )
    name = models.CharField(max_length=150, db_comment="User name")
    since = models.DateTimeField(null=True, db_comment="When the account got the name, null for its first one")

    class Meta:
        db_table = "account_names"
        db_table_comment = "User names that accounts have or had, so that no name is used again; rows are only added"
        default_permissions = ()
        triggers = [AppendOnly(application_inserts=False)]

    def __str__(self) -> str:
        return self.name


class RecordsUserNames(DefinerTrigger):
    """Stores each user name that an account gets, and refuses those of other accounts, in any spelling."""

    name = "user_name"
    level = pgtrigger.Row
    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.UpdateOf("username")
    func = f"""
        IF OLD.username = NEW.username THEN
            RETURN NULL;
        END IF;
        LOCK TABLE account_names IN SHARE ROW EXCLUSIVE MODE;
        IF EXISTS (SELECT FROM account_names
                    WHERE account_id <> NEW.id
                      AND lower(normalize(name, NFKC)) = lower(normalize(NEW.username, NFKC))) THEN
            RAISE unique_violation USING
                CONSTRAINT = '{USED_ONCE}',
                MESSAGE = format('{MESSAGE}', NEW.username);
        END IF;
        INSERT INTO account_names (account_id, name, since)
        VALUES (NEW.id, NEW.username, CASE TG_OP WHEN 'UPDATE' THEN statement_timestamp() END);
        RETURN NULL;
    """  # noqa: S608  (constants of this module)


def mixes_alphabets(name: str) -> bool:
    """Return whether a user name has letters of several alphabets that look alike, such as a Cyrillic o among Latin."""
    plain = unicodedata.normalize("NFKC", name)
    alphabets = {unicodedata.name(letter, "").split(" ")[0] for letter in plain if letter.isalpha()}
    return len(alphabets & _ALPHABETS_ALIKE) > 1


def is_used_by_another(name: str, account: int | None) -> bool:
    """Return whether an account other than this one has or had the user name, in any spelling."""
    same = AccountName.objects.alias(plain=_plain(F("name"))).filter(plain=_plain(Value(name)))
    return same.exclude(account=account).exists()


def name_at(account: str, moment: str) -> Subquery:
    """Return the user name that an account had at a moment; the arguments are fields of the query."""
    then = Q(since=None) | Q(since__lte=OuterRef(moment))
    names = AccountName.objects.filter(then, account=OuterRef(account)).order_by("-name_id")
    return Subquery(names.values("name")[:1])


def full_name(account: str) -> Trim:
    """Return the first and last name that the account has now, '' if it has none; `account` is a foreign key."""
    return Trim(Concat(f"{account}__first_name", Value(" "), f"{account}__last_name"))


def label_person(name: str, full_name: str) -> str:
    """Return how sentences name a person: with the full name, if the account has one."""
    return f"{full_name} ({name})" if full_name and name else name


def _plain(name: F | Value) -> Func:
    return Func(name, template="lower(normalize(%(expressions)s, NFKC))", output_field=CharField())
