from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converter `id`
from datafiles import views

urlpatterns = [
    path("datafilesets/<str:code>", views.DataFileSetView.as_view()),
    path("generic/datafilesets/<id:pk>", views.GenericDataFileSetView.as_view()),
    path("datafilesets/<str:code>/datafiles/<str:file_code>/data", views.DataView.as_view()),
]
