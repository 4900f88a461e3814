"""What people search patients for, kept out of addresses, and so out of logs and the browser's history.

The words stay in the person's session; an address has a random mark for them, which is nobody else's.
"""

import secrets

from django.http import HttpRequest, HttpResponseRedirect

WORDS = "q"
FOUND = "found"
LOST = "The search of this address is over, or is another person's: search again."
MOST_KEPT = 20
MOST_LETTERS = 300
_KEPT = "searches"
_NOT_OF_THE_LIST = (WORDS, FOUND, "csrfmiddlewaretoken", "p", "page")


def words_of(request: HttpRequest) -> str:
    words: str = _kept(request).get(request.GET.get(FOUND, ""), "")
    return words


def is_lost(request: HttpRequest) -> bool:
    return bool(request.GET.get(FOUND)) and not words_of(request)


def without_words(request: HttpRequest) -> HttpResponseRedirect | None:
    """Leads on when somebody searches, by the form or by an address of old: to the same page, and no word in sight."""
    asked = request.POST if WORDS in request.POST else request.GET
    if WORDS not in asked:
        return None
    query = asked.copy()
    for name in [name for name in asked if name in _NOT_OF_THE_LIST or not asked[name]]:
        del query[name]
    if words := asked[WORDS].replace("\0", " ").strip()[:MOST_LETTERS]:
        query[FOUND] = _mark(request, words)
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")


def _mark(request: HttpRequest, words: str) -> str:
    kept = _kept(request)
    mark = next((mark for mark, known in kept.items() if known == words), "") or secrets.token_urlsafe(6)
    others = [pair for pair in kept.items() if pair[0] != mark]
    request.session[_KEPT] = dict([*others, (mark, words)][-MOST_KEPT:])
    return mark


def _kept(request: HttpRequest) -> dict[str, str]:
    return request.session.get(_KEPT) or {}
