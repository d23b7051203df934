"""The formats and compressions that an export can have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consumption", "0007_exportseries")]

    operations = [
        migrations.AlterField(
            model_name="readconsumptionbatch",
            name="compression",
            field=models.CharField(
                choices=[("none", "None"), ("gzip", "Gzip"), ("zstd", "Zstd")], max_length=5, null=True
            ),
        ),
        migrations.AlterField(
            model_name="readconsumptionbatch",
            name="format",
            field=models.CharField(
                choices=[("ndjson", "Ndjson"), ("csv", "Csv"), ("parquet", "Parquet")], max_length=8, null=True
            ),
        ),
    ]
