"""Searches as a person makes them: words are sent by a form, and the address gets a mark for them."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from django.test import Client


def with_mark(client: Client, page: str, query: Mapping[str, str]) -> dict[str, str]:
    """The query as an address of the page has it once its words `q` were searched for."""
    if "q" not in query:
        return dict(query)
    answer = client.post(page, {"q": query["q"]})
    assert answer.status_code == 302
    mark = parse_qs(urlsplit(answer["Location"]).query).get("found", [""])
    return {**{name: value for name, value in query.items() if name != "q"}, "found": mark[0]}
