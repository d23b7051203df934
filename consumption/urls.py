from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from consumption import collections, views

urlpatterns = [
    path("readconsumptionbatches", views.StartExportView.as_view()),
    path("generic/readconsumptionbatches", collections.ReadBatchesView.as_view()),
    path("generic/readconsumptionbatches/search", collections.ReadBatchSearchView.as_view()),
    path("generic/readconsumptionbatches/<id:pk>", views.ReadBatchView.as_view()),
]
