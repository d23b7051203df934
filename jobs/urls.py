from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from jobs import collections, control, restart_views, views

urlpatterns = [
    path("generic/tasks", collections.TasksView.as_view()),
    path("generic/tasks/search", collections.TaskSearchView.as_view()),
    path("generic/tasks/<id:pk>", views.TaskView.as_view()),
    path("generic/tables", collections.TablesView.as_view()),
    path("generic/tables/search", collections.TableSearchView.as_view()),
    path("generic/tables/<id:pk>", views.TableView.as_view()),
    path("generic/tasktypes", collections.TaskTypesView.as_view()),
    path("generic/tasktypes/search", collections.TaskTypeSearchView.as_view()),
    path("generic/tasktypes/<id:pk>", views.TaskTypeView.as_view()),
    path("generic/interfacedmessages", collections.InterfacedMessagesView.as_view()),
    path("generic/interfacedmessages/search", collections.InterfacedMessageSearchView.as_view()),
    path("generic/interfacedmessages/<id:pk>", views.InterfacedMessageView.as_view()),
    path("taskprocessing", control.TaskProcessingView.as_view()),
    path("taskprocessing/tasks/restart", restart_views.TasksRestartView.as_view()),
    path("taskprocessing/taskrestartbatches/<id:pk>/status", restart_views.TaskRestartBatchView.as_view()),
    path("taskprocessing/<id:pk>/restart", views.RestartView.as_view()),
    path("operations/<id:pk>", views.MonitorView.as_view()),
]
