import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0006_decide_streams"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deviceassignment",
            name="rank",
            field=models.PositiveSmallIntegerField(
                db_comment="Rank among the devices that the patient wears at a time: the readings of 1 are preferred",
                db_default=1,
                default=1,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
    ]
