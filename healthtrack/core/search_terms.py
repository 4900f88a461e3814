"""Store what people search patients for in their session, so that it appears in no address, log or browser history.

The address has only a random token for it, which is valid only in that person's session.
"""

import secrets

from django.http import HttpRequest, HttpResponseRedirect

QUERY = "q"
TOKEN = "found"  # noqa: S105  (the name of a parameter)
EXPIRED = "This search has expired, or is another person's. Search again."
MAX_SEARCHES = 20
MAX_LENGTH = 300
_SESSION_KEY = "searches"
_DROPPED_PARAMETERS = (QUERY, TOKEN, "csrfmiddlewaretoken", "p", "page")


def get_query(request: HttpRequest) -> str:
    """Return the search query of the token in the address; empty if there is none or it has expired."""
    query: str = _searches(request).get(request.GET.get(TOKEN, ""), "")
    return query


def is_expired(request: HttpRequest) -> bool:
    """Return whether the address has a token that is unknown to this session."""
    return bool(request.GET.get(TOKEN)) and not get_query(request)


def redirect_to_search_token(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return a redirect to the same page with a token in place of the query; None if the request has no query.

    The query comes from the search form, or from an address that was saved before there were tokens.
    """
    sent = request.POST if QUERY in request.POST else request.GET
    if QUERY not in sent:
        return None
    parameters = sent.copy()
    for name in [name for name in sent if name in _DROPPED_PARAMETERS or not sent[name]]:
        del parameters[name]
    if query := sent[QUERY].replace("\0", " ").strip()[:MAX_LENGTH]:
        parameters[TOKEN] = _store(request, query)
    return HttpResponseRedirect(f"{request.path}?{parameters.urlencode()}")


def _store(request: HttpRequest, query: str) -> str:
    searches = _searches(request)
    token = next((token for token, known in searches.items() if known == query), "") or secrets.token_urlsafe(6)
    others = [pair for pair in searches.items() if pair[0] != token]
    request.session[_SESSION_KEY] = dict([*others, (token, query)][-MAX_SEARCHES:])
    return token


def _searches(request: HttpRequest) -> dict[str, str]:
    return request.session.get(_SESSION_KEY) or {}
