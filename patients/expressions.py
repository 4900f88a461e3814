"""What the database reckons from a record's texts, and holds in indexes."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, Func, TextField


class Terms(Func):
    """The terms of a list that is parted by commas, in small letters."""

    template = r"regexp_split_to_array(lower(%(expressions)s), '\s*,\s*')"
    output_field: Any = ArrayField(TextField())


class NameWords(Func):
    """The words of a name, accents off and in small letters; what a hyphen or an apostrophe parts, also as one."""

    function = "name_words"
    output_field: Any = SearchVectorField()


class NamePrefixes(Func):
    """A search for names that have a word beginning with each of these."""

    function = "name_prefixes"
    output_field: Any = SearchQueryField()


class Matches(Func):
    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field: Any = BooleanField()
