from collections.abc import Callable

import pytest
from django.test import Client

from tests import factories

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Signs in a member of the staff who holds the permissions given, and returns their browser."""

    def signed_in(*permissions: str) -> Client:
        client = Client()
        client.force_login(factories.staff(*permissions))
        return client

    return signed_in
