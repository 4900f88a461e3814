from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0010_edits"),
    ]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="decisions",
            field=models.JSONField(
                db_comment="What was decided about the rows of each kind of warning: import, selected or skip",
                db_default=models.Value({}, models.JSONField()),
                default=dict,
            ),
        ),
    ]
