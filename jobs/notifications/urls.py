from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from jobs.notifications import views

urlpatterns = [
    path("notificationendpoints", views.EndpointsView.as_view()),
    path("notificationendpoints/search", views.EndpointSearchView.as_view()),
    path("notificationendpoints/<id:pk>", views.EndpointView.as_view()),
    path("notificationendpoints/<id:pk>/test", views.TestView.as_view()),
    path("notificationendpoints/<id:pk>/rotate", views.RotateView.as_view()),
    path("notificationendpoints/<id:pk>/enable", views.EnableView.as_view()),
    path("notificationendpoints/<id:pk>/recover", views.RecoverView.as_view()),
    path("notificationevents", views.EventsView.as_view()),
    path("notificationevents/search", views.EventSearchView.as_view()),
    path("notificationevents/<id:pk>", views.EventView.as_view()),
    path("notificationdeliveries", views.DeliveriesView.as_view()),
    path("notificationdeliveries/search", views.DeliverySearchView.as_view()),
    path("notificationdeliveries/<id:pk>", views.DeliveryView.as_view()),
    path("notificationdeliveries/<id:pk>/attempts", views.AttemptsView.as_view()),
    path("notificationdeliveries/<id:pk>/redeliver", views.RedeliverView.as_view()),
    path("outboundintegrationpoints", views.OutboundIntegrationPointsView.as_view()),
]
