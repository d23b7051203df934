from django.db import migrations, models

import consumption.fields


class Migration(migrations.Migration):
    dependencies = [("consumption", "0003_indexes_for_collections")]

    operations = [
        migrations.AddField(
            model_name="readconsumptionbatch",
            name="since_snapshot",
            field=consumption.fields.SnapshotField(
                help_text="only entries that this earlier snapshot did not see", null=True
            ),
        ),
        migrations.AddField(
            model_name="readconsumptionbatch",
            name="since_snapshot_at",
            field=models.DateTimeField(null=True),
        ),
    ]
