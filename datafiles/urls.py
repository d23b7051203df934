from django.urls import path

import hypermedia.paths  # noqa: F401  # registers the converters `id` and `code`
from datafiles import collections, content, manifests, views, zips

urlpatterns = [
    path("datafilesets", collections.DataFileSetsView.as_view()),
    path("datafilesets/search", collections.DataFileSetSearchView.as_view()),  # so no set may be called that
    path("datafilesets/<code:code>", views.DataFileSetView.as_view()),
    path("datafilesets/<code:code>/zip", zips.ZipView.as_view()),
    path("datafilesets/<code:code>/unzip", zips.UnzipView.as_view()),
    path("datafilesets/<code:code>/manifest", manifests.ManifestView.as_view()),
    path("datafilesets/<code:code>/SHA256SUMS", manifests.ChecksumsView.as_view()),
    path("generic/datafilesets", collections.GenericDataFileSetsView.as_view()),
    path("generic/datafilesets/search", collections.GenericDataFileSetSearchView.as_view()),
    path("generic/datafilesets/<id:pk>", views.GenericDataFileSetView.as_view()),
    path("datafilesets/<code:code>/datafiles/<code:file_code>", views.DataFileView.as_view()),
    path("datafilesets/<code:code>/datafiles/<code:file_code>/data", content.DataView.as_view()),
]
