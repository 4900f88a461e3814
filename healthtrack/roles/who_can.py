"""Say who can do what a person may not do."""

from healthtrack.roles.table import ROLES


def describe_who_can(*permissions: str) -> str:
    """Return the roles with all of these permissions, as in "a data steward or an administrator"."""
    names = [role.name.lower() for role in ROLES if role.permissions.issuperset(permissions)]
    *others, last = (f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names)
    return f"{', '.join(others)} or {last}" if others else last
