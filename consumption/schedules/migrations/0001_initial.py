import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('consumption', '0007_exportseries'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ExportSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1)),
                ('creation_date', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('last_updated_date', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('name', models.CharField(max_length=100, unique=True)),
                ('limit_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, help_text='empty: all limits', null=True, size=None)),
                ('window_rule', models.CharField(choices=[('DAY', 'the previous day'), ('WEEK', 'the previous week'), ('MONTH', 'the previous month'), ('SINCE', 'everything new since the last success')], max_length=5, verbose_name='period')),
                ('begin', models.DateTimeField(blank=True, help_text='Only for everything new: nothing from before this moment. Empty: everything', null=True)),
                ('cron', models.CharField(help_text='Cron: minute, hour, day of the month, month, day of the week', max_length=100, verbose_name='times')),
                ('time_zone', models.CharField(help_text='Of the times, and of the days, weeks and months exported', max_length=60)),
                ('format', models.CharField(blank=True, choices=[('ndjson', 'Ndjson')], help_text='empty: ndjson', max_length=8)),
                ('compression', models.CharField(blank=True, choices=[('none', 'None')], help_text='empty: none', max_length=5)),
                ('missed', models.CharField(choices=[('SKIP', 'skip them'), ('ONE', 'run the latest'), ('ALL', 'run each of them')], default='ONE', help_text='After the service was down', max_length=4, verbose_name='missed runs')),
                ('paused', models.BooleanField(default=False)),
                ('next_run_at', models.DateTimeField(editable=False, null=True)),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('last_updated_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(help_text="The exports are this user's, with this user's rights at that time", on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('series', models.OneToOneField(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consumption.exportseries')),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('run_exportschedule', 'Can run export schedules now'), ('pause_exportschedule', 'Can pause and resume export schedules')],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ScheduledRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('planned_at', models.DateTimeField()),
                ('outcome', models.CharField(choices=[('started', 'Started'), ('refused', 'Refused'), ('skipped', 'Skipped')], max_length=8)),
                ('reason', models.TextField(blank=True, help_text='why it was refused or skipped')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ('export', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='consumption.readconsumptionbatch')),
                ('requested_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('schedule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='schedules.exportschedule')),
            ],
        ),
        migrations.AddIndex(
            model_name='exportschedule',
            index=models.Index(condition=models.Q(('paused', False)), fields=['next_run_at'], name='schedule_due'),
        ),
        migrations.AddConstraint(
            model_name='scheduledrun',
            constraint=models.UniqueConstraint(fields=('schedule', 'planned_at'), name='planned_once'),
        ),
    ]
