"""Below `/api/`: integrations themselves use `/ws` only."""

from django.urls import path

from jobs.callbacks import listing

urlpatterns = [
    path("integrationjobs", listing.JobsView.as_view()),
    path("integrationjobs/search", listing.JobSearchView.as_view()),
    path("integrationjobs/<id:pk>", listing.WatchedJobView.as_view()),
]
