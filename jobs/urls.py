from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from jobs import views

urlpatterns = [
    path("generic/tasks/<id:pk>", views.TaskView.as_view()),
    path("generic/tables/<id:pk>", views.TableView.as_view()),
    path("generic/tasktypes/<id:pk>", views.TaskTypeView.as_view()),
    path("generic/interfacedmessages/<id:pk>", views.InterfacedMessageView.as_view()),
    path("taskprocessing/<id:pk>/restart", views.RestartView.as_view()),
    path("operations/<id:pk>", views.MonitorView.as_view()),
]
