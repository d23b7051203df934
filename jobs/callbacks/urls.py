"""Below `/ws/rest/service/v2/`."""

from django.urls import path

from jobs.callbacks import views

urlpatterns = [
    path("auth/token", views.TokenView.as_view()),
    path("oic/job", views.JobStatusView.as_view()),
    path("oic/job/<path:job_id>", views.JobView.as_view()),
]
