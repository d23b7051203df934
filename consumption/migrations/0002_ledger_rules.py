"""What the database itself holds against everybody: the ledger is insert-only, and what it prints never changes."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER consumption_insert_only BEFORE UPDATE OR DELETE ON consumption_consumption
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER consumption_not_truncated BEFORE TRUNCATE ON consumption_consumption
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER counter_fixed BEFORE UPDATE ON consumption_counter
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER counter_period_fixed BEFORE UPDATE OF id, counter_id, start_date, end_date ON consumption_counterperiod
    FOR EACH ROW WHEN (
        (OLD.id, OLD.counter_id, OLD.start_date, OLD.end_date)
        IS DISTINCT FROM (NEW.id, NEW.counter_id, NEW.start_date, NEW.end_date))
    EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER limit_fixed BEFORE UPDATE OF id, code, type, currency ON consumption_limit
    FOR EACH ROW WHEN ((OLD.id, OLD.code, OLD.type, OLD.currency)
        IS DISTINCT FROM (NEW.id, NEW.code, NEW.type, NEW.currency))
    EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER transaction_source_fixed BEFORE UPDATE OF id, code ON consumption_transactionsource
    FOR EACH ROW WHEN ((OLD.id, OLD.code) IS DISTINCT FROM (NEW.id, NEW.code))
    EXECUTE FUNCTION ledger_refuse();
"""

ALLOW = """
DROP TRIGGER transaction_source_fixed ON consumption_transactionsource;
DROP TRIGGER limit_fixed ON consumption_limit;
DROP TRIGGER counter_period_fixed ON consumption_counterperiod;
DROP TRIGGER counter_fixed ON consumption_counter;
DROP TRIGGER consumption_not_truncated ON consumption_consumption;
DROP TRIGGER consumption_insert_only ON consumption_consumption;
DROP FUNCTION ledger_refuse();
"""

# The transaction ids of the ledger mean something in this cluster only; a system check compares.
REMEMBER_CLUSTER = """
INSERT INTO consumption_ledgercluster (system_identifier) SELECT system_identifier::text FROM pg_control_system();
"""


class Migration(migrations.Migration):
    dependencies = [("consumption", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunSQL(REMEMBER_CLUSTER, migrations.RunSQL.noop),
    ]
