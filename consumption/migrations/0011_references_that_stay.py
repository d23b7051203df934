"""What entries refer to is never deleted, so the references need not be looked up row by row (decision 0052)."""

import django.db.models.deletion
from django.db import migrations, models

KEEP = """
CREATE TRIGGER counter_period_kept BEFORE DELETE ON consumption_counterperiod
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER counter_period_not_truncated BEFORE TRUNCATE ON consumption_counterperiod
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER transaction_source_kept BEFORE DELETE ON consumption_transactionsource
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER transaction_source_not_truncated BEFORE TRUNCATE ON consumption_transactionsource
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER input_file_insert_only BEFORE UPDATE OR DELETE ON consumption_inputfile
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER input_file_not_truncated BEFORE TRUNCATE ON consumption_inputfile
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

RELEASE = """
DROP TRIGGER input_file_not_truncated ON consumption_inputfile;
DROP TRIGGER input_file_insert_only ON consumption_inputfile;
DROP TRIGGER transaction_source_not_truncated ON consumption_transactionsource;
DROP TRIGGER transaction_source_kept ON consumption_transactionsource;
DROP TRIGGER counter_period_not_truncated ON consumption_counterperiod;
DROP TRIGGER counter_period_kept ON consumption_counterperiod;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("consumption", "0010_exports_of_all_limits"),
    ]

    operations = [
        migrations.RunSQL(KEEP, RELEASE),
        migrations.AlterField(
            model_name="consumption",
            name="counter_period",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consumptions",
                to="consumption.counterperiod",
            ),
        ),
        migrations.AlterField(
            model_name="consumption",
            name="input_file",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="consumption.inputfile",
            ),
        ),
        migrations.AlterField(
            model_name="consumption",
            name="limit",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="consumption.limit",
            ),
        ),
        migrations.AlterField(
            model_name="consumption",
            name="transaction_source",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="consumption.transactionsource",
            ),
        ),
    ]
