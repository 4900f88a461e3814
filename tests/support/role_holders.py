"""People with each role."""

from django.contrib.auth.models import Group, User

from healthtrack.roles import emergency
from tests.support import factories

IN_EMERGENCY = "In an emergency"
NO_ROLE = "No role"


def make_person(role: str, username: str = "") -> User:
    """Create a person with this role, none, or emergency access that has started."""
    person = factories.staff(username=username or role.lower().replace(" ", "-"))
    if role == NO_ROLE:
        return person
    name = "Emergency access" if role == IN_EMERGENCY else role
    person.groups.add(Group.objects.get(name=name))
    if role == IN_EMERGENCY:
        emergency.begin(person, "Somebody fainted in the hall", "192.0.2.7")
    return User.objects.get(pk=person.pk)
