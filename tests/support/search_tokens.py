"""Searches as a person makes them: a form sends the words, and the address gets a token for them."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from django.test import Client


def with_search_token(client: Client, page: str, query: Mapping[str, str]) -> dict[str, str]:
    """Return the query of the results' address: with a token in place of the words `q`."""
    if "q" not in query:
        return dict(query)
    answer = client.post(page, {"q": query["q"]})
    assert answer.status_code == 302
    token = parse_qs(urlsplit(answer["Location"]).query).get("found", [""])
    return {**{name: value for name, value in query.items() if name != "q"}, "found": token[0]}
