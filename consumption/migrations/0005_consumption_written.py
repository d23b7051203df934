"""Built while others go on writing: the ledger may be large when this comes."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Cast


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("consumption", "0004_since_snapshot")]

    operations = [
        AddIndexConcurrently(
            model_name="consumption",
            index=BrinIndex(
                Cast(Cast("transaction_id", models.TextField()), models.BigIntegerField()),
                autosummarize=True,
                name="consumption_written",
            ),
        )
    ]
