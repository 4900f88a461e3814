import django_otp.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signin", "0005_request_of_commands")]

    operations = [
        migrations.CreateModel(
            name="AuthenticatorApp",
            fields=[],
            options={"proxy": True, "default_permissions": (), "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
            managers=[("objects", django_otp.models.DeviceManager())],
        ),
        migrations.AddField(
            model_name="recoverycodes",
            name="secret_key_id",
            field=models.CharField(
                blank=True,
                db_comment="Identifies the secret key on which the digests of a version before 0.2.0 depend; otherwise empty",
                db_default="",
                max_length=16,
            ),
        ),
        # `manage.py rotate_keys` replaces it by the id of the key, which SQL cannot compute.
        migrations.RunSQL("UPDATE recovery_codes SET secret_key_id = 'unknown'", ""),
    ]
