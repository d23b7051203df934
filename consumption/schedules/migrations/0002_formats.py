"""The formats and compressions that an export can have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="exportschedule",
            name="compression",
            field=models.CharField(
                blank=True,
                choices=[("none", "None"), ("gzip", "Gzip"), ("zstd", "Zstd")],
                help_text="empty: none",
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="exportschedule",
            name="format",
            field=models.CharField(
                blank=True,
                choices=[("ndjson", "Ndjson"), ("csv", "Csv"), ("parquet", "Parquet")],
                help_text="empty: ndjson",
                max_length=8,
            ),
        ),
    ]
