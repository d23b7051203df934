from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alarm",
            name="kind",
            field=models.CharField(
                choices=[
                    ("OperationFailed", "operation failed"),
                    ("DeliveryFailed", "delivery given up"),
                    ("EndpointDisabled", "endpoint disabled"),
                    ("IntegrationSilent", "integration silent"),
                    ("ScheduleRefused", "scheduled export refused"),
                ],
                max_length=20,
            ),
        ),
    ]
