from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from consumption import collections, entering, listing, views
from consumption.writing import web

urlpatterns = [
    path("generic/readconsumptionbatches/<id:pk>", views.ReadBatchView.as_view()),
    path("readconsumptionbatches", views.StartExportView.as_view()),
    path("generic/readconsumptionbatches", collections.ReadBatchesView.as_view()),
    path("generic/readconsumptionbatches/search", collections.ReadBatchSearchView.as_view()),
    path("writeconsumptionbatches", web.StartWriteView.as_view()),
    path("generic/writeconsumptionbatches", web.WriteBatchesView.as_view()),
    path("generic/writeconsumptionbatches/search", web.WriteBatchSearchView.as_view()),
    path("generic/writeconsumptionbatches/<id:pk>", web.WriteBatchView.as_view()),
    path("limitconsumptions", entering.LimitConsumptionsView.as_view()),
    path("generic/limits", listing.LimitsView.as_view()),
    path("generic/limits/search", listing.LimitSearchView.as_view()),
    path("generic/limits/<id:pk>", listing.LimitView.as_view()),
    path("generic/counters", listing.CountersView.as_view()),
    path("generic/counters/search", listing.CounterSearchView.as_view()),
    path("generic/counters/<id:pk>", listing.CounterView.as_view()),
    path("generic/counterperiods", listing.CounterPeriodsView.as_view()),
    path("generic/counterperiods/search", listing.CounterPeriodSearchView.as_view()),
    path("generic/counterperiods/<id:pk>", listing.CounterPeriodView.as_view()),
    path("generic/consumptions", listing.ConsumptionsView.as_view()),
    path("generic/consumptions/search", listing.ConsumptionSearchView.as_view()),
    path("generic/consumptions/<id:pk>", listing.ConsumptionView.as_view()),
]
