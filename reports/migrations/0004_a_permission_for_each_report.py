from django.db import migrations

MADE_OF = {
    "view_aggregates": ("view_age_groups", "view_brands", "view_conditions", "view_data_quality"),
    "view_named_lists": ("view_without_tracker",),
}
PERMISSIONS = [
    ("view_age_groups", "Can see the report of patients by age group"),
    ("view_without_tracker", "Can see the report that names patients without a tracker"),
    ("view_brands", "Can see the report of patients by tracker brand"),
    ("view_conditions", "Can see the report of tracker use by medical condition"),
    ("view_data_quality", "Can see the report of data quality"),
]
HOLDERS = {"auth_user_user_permissions": "user_id", "auth_group_permissions": "group_id"}

_new = ", ".join(f"('{codename}', '{name}')" for codename, name in PERMISSIONS)
_pairs = ", ".join(f"('{old}', '{new}')" for old, news in MADE_OF.items() for new in news)
_old = ", ".join(f"'{old}'" for old in MADE_OF)
_OLD_ONES = f"""
    SELECT permission.id FROM auth_permission AS permission
      JOIN django_content_type AS type ON type.id = permission.content_type_id
     WHERE type.app_label = 'reports' AND type.model = 'report' AND permission.codename IN ({_old})
"""
# In an empty database there is nobody yet, nor a permission; these are made after the migrations.
MAKE = f"""
    INSERT INTO auth_permission (content_type_id, codename, name)
    SELECT type.id, made.codename, made.name
      FROM django_content_type AS type, (VALUES {_new}) AS made (codename, name)
     WHERE type.app_label = 'reports' AND type.model = 'report'
    ON CONFLICT DO NOTHING
"""


def _hand_over(table: str, holder: str) -> str:
    return f"""
        INSERT INTO {table} ({holder}, permission_id)
        SELECT held.{holder}, new.id
          FROM {table} AS held
          JOIN auth_permission AS old ON old.id = held.permission_id
          JOIN (VALUES {_pairs}) AS pair (old, new) ON pair.old = old.codename
          JOIN auth_permission AS new ON new.content_type_id = old.content_type_id AND new.codename = pair.new
         WHERE old.id IN ({_OLD_ONES})
        ON CONFLICT DO NOTHING
    """


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0003_saved_views"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="report",
            options={"default_permissions": (), "managed": False, "permissions": PERMISSIONS},
        ),
        migrations.RunSQL(MAKE, migrations.RunSQL.noop),
        *(migrations.RunSQL(_hand_over(*pair), migrations.RunSQL.noop) for pair in HOLDERS.items()),
        *(
            migrations.RunSQL(f"DELETE FROM {table} WHERE permission_id IN ({_OLD_ONES})", migrations.RunSQL.noop)
            for table in HOLDERS
        ),
        migrations.RunSQL(f"DELETE FROM auth_permission WHERE id IN ({_OLD_ONES})", migrations.RunSQL.noop),
    ]
