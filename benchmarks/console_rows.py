"""A console's worth of rows in SQL: sixty days of operations with everything that goes with them."""

from __future__ import annotations

from django.db import connection

DAYS = 60
# Row n of `n` happened so long ago that the newest is of now: `_AT`.
_AT = f"now() - (%(rows)s - n) * (interval '{DAYS} days' / %(rows)s)"
_STATUS = """CASE WHEN n > %(rows)s - 3 THEN 'PROCESSING' WHEN n > %(rows)s - 40 THEN 'PENDING'
                  WHEN mod(n, 211) = 0 THEN 'ERRORED' WHEN mod(n, 503) = 0 THEN 'CANCELLED' ELSE 'COMPLETED' END"""
_ENDED = """CASE WHEN n > %(rows)s - 40 THEN 'In Progress' WHEN mod(n, 211) = 0 THEN 'Failed'
                 WHEN mod(n, 503) = 0 THEN 'Cancelled' ELSE 'Completed' END"""
_SERIES = "generate_series(1, %(rows)s) AS n"
_WHO = "created_by_id, last_updated_by_id, version, creation_date, last_updated_date"
_BY = f"%(user)s, %(user)s, 1, {_AT}, {_AT} + interval '40 seconds'"
_TYPE = "(SELECT id FROM jobs_tasktype WHERE code = 'ReadConsumptionBatch')"

STATEMENTS = (
    f"""INSERT INTO jobs_task (id, {_WHO}, subject_id, task_type_id, status, owner, thread_code, epoch, attempt_count,
               restart_count, rings, rows_written, lease_expires_at)
        SELECT n, {_BY}, n, {_TYPE}, {_STATUS}, 'w', 'host-1 ( main )', 1, 1, 0, 0, 1000 + mod(n, 5000),
               CASE WHEN n > %(rows)s - 3 THEN now() + interval '1 day' END FROM {_SERIES}""",
    f"""INSERT INTO jobs_interfacedmessage (id, {_WHO}, task_id) SELECT n, {_BY}, n FROM {_SERIES}""",
    f"""INSERT INTO jobs_message (interfaced_message_id, severity, code, text, creation_date)
        SELECT n, 'Fatal', 'DAT-FA-001', 'The disk of the file storage is full. A restart can help.', {_AT}
          FROM {_SERIES} WHERE mod(n, 211) = 0""",
    f"""INSERT INTO jobs_taskattempt (task_id, epoch, owner, celery_task_id, started_at, ended_at, outcome, stack_trace)
        SELECT n, 1, 'w', '', {_AT}, {_AT} + interval '40 seconds',
               CASE WHEN mod(n, 211) = 0 THEN 'failed' ELSE 'completed' END, '' FROM {_SERIES}""",
    f"""INSERT INTO datafiles_datafileset (id, code, description, locked, totals, hold_reason, {_WHO})
        SELECT n, upper(md5(n::text)), 'An export', false, '{{}}', '', {_BY} FROM {_SERIES}""",
    f"""INSERT INTO datafiles_datafile (data_file_set_id, code, description, storage_key, media_type, packed_media_type,
               content_length, sha256, row_count, creation_date, expires_at)
        SELECT n, upper(md5(n::text)), 'counters and consumptions', md5(n::text), 'application/x-ndjson', '',
               400 * (1000 + mod(n, 5000)), repeat('a', 64), 1000 + mod(n, 5000), {_AT}, {_AT} + interval '30 days'
          FROM {_SERIES} WHERE mod(n, 211) > 0""",
    f"""INSERT INTO consumption_readconsumptionbatch (id, {_WHO}, task_id, status, transaction_start, transaction_end,
               limit_codes, data_file_set_id)
        SELECT n, {_BY}, n, {_ENDED}, {_AT} - interval '1 year', {_AT},
               CASE mod(n, 4) WHEN 0 THEN NULL WHEN 1 THEN ARRAY['VERT'] WHEN 2 THEN ARRAY['OOPM', 'VISITS']
                              ELSE ARRAY['PAID'] END,
               CASE WHEN mod(n, 211) > 0 AND n <= %(rows)s - 40 THEN n END FROM {_SERIES}""",
    f"""INSERT INTO notifications_notificationevent (id, webhook_id, type, outcome, subject, body, creation_date)
        SELECT n, 'msg_' || md5(n::text), 'ReadConsumptionBatch', {_ENDED},
               'generic/readconsumptionbatches/' || n, '{{"links":[]}}', {_AT} FROM {_SERIES}""",
    f"""INSERT INTO notifications_notificationevent (id, webhook_id, type, outcome, subject, body, creation_date)
        SELECT %(rows)s + n, 'msg_x' || md5(n::text), 'OperationFailed', '',
               'generic/readconsumptionbatches/' || n, '{{"links":[]}}', {_AT} FROM {_SERIES} WHERE mod(n, 211) = 0""",
    f"""INSERT INTO callbacks_integrationjob (id, job_id, integration_id, created_at, status, flagged, last_report_at,
               version)
        SELECT n, left(upper(md5(n::text)), 15), %(user)s, {_AT}, 'Completed', mod(n, 100003) = 0, {_AT}, 2
          FROM {_SERIES}""",
    f"""INSERT INTO callbacks_statusreport (job_id, user_id, received_job_id, received_status, answered, verdict,
               request_id, received_at)
        SELECT n, %(user)s, left(upper(md5(n::text)), 15), 'Completed', 200, 'applied', md5('r' || n), {_AT}
          FROM {_SERIES}""",
    f"""INSERT INTO notifications_delivery (id, event_id, endpoint_id, job_id, status, due_at, epoch, retries,
               delivered_at, version, creation_date, last_updated_date)
        SELECT n, n, %(endpoint)s, n, CASE WHEN mod(n, 1009) = 0 THEN 'FAILED' ELSE 'DELIVERED' END, {_AT}, 1, 0,
               {_AT}, 2, {_AT}, {_AT} FROM {_SERIES}""",
    f"""INSERT INTO notifications_attempt (delivery_id, number, started_at, ended_at, method, url, request_headers,
               response_status, response_headers, response_body, response_is_cut, outcome, reason)
        SELECT n, 1, {_AT}, {_AT} + interval '1 second', 'POST', 'https://receiver.example/', '{{}}', 202, '[]', '',
               false, 'delivered', '' FROM {_SERIES}""",
    f"""INSERT INTO notifications_alarm (kind, text, subject, created_at, mailed_at)
        SELECT 'OperationFailed', 'An export failed.', 'generic/readconsumptionbatches/' || n, {_AT}, {_AT}
          FROM {_SERIES} WHERE mod(n, 211) = 0""",
    f"""INSERT INTO audit_entry (at, user_id, action, subject, result, request_id, detail)
        SELECT {_AT}, %(user)s, CASE WHEN mod(n, 5) = 0 THEN 'data.read' WHEN mod(n, 9999) = 0 THEN 'console.restart'
                                     ELSE 'operation.start' END,
               'generic/readconsumptionbatches/' || n, 'done', md5(n::text), '{{}}' FROM {_SERIES}""",
    f"""INSERT INTO django_celery_results_taskresult (task_id, task_name, status, content_type, content_encoding,
               date_created, date_done, worker)
        SELECT md5(n::text), 'jobs.tasks.run', 'SUCCESS', 'application/json', 'utf-8', {_AT}, {_AT}, 'w'
          FROM {_SERIES}""",
    # What Django's sequences would have given.
    """SELECT setval(pg_get_serial_sequence(quote_ident(table_name), 'id'), 3 * %(rows)s)
         FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'id' AND is_identity = 'YES'
          AND table_name ~ '^(jobs|datafiles|consumption_read|notifications|callbacks)'""",
)


def fill(*, rows: int, user: int, endpoint: int) -> None:
    """So many operations of that user, each with its files, its event, a delivery with a call, a job and a report."""
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, {"rows": rows, "user": user, "endpoint": endpoint})
