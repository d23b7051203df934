import django.db.models.deletion
from django.db import migrations, models

import consumption.fields


class Migration(migrations.Migration):
    dependencies = [
        ("consumption", "0006_writing"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExportSeries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("snapshot", consumption.fields.SnapshotField(null=True)),
                ("snapshot_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="readconsumptionbatch",
            name="series",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exports",
                to="consumption.exportseries",
            ),
        ),
    ]
