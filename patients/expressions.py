"""Database expressions over a record's texts; indexes store their values."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, Func, TextField


class Terms(Func):
    """The terms of a comma-separated list, in lower case."""

    template = r"regexp_split_to_array(lower(%(expressions)s), '\s*,\s*')"
    output_field: Any = ArrayField(TextField())


class NameWords(Func):
    """The words of a name, without accents and in lower case; split at hyphens and apostrophes, and also joined."""

    function = "name_words"
    output_field: Any = SearchVectorField()


class NamePrefixes(Func):
    """A search for names with a word that starts with each of these words."""

    function = "name_prefixes"
    output_field: Any = SearchQueryField()


class LenientQuery(Func):
    """A search that `make_lenient_query` has written."""

    template = "(%(expressions)s)::tsquery"
    output_field: Any = SearchQueryField()


class Matches(Func):
    """Whether a name matches a search, as a condition."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field: Any = BooleanField()
