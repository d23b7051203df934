"""The collections of data file sets over HTTP: by code, and the generic view."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from datafiles.models import DataFileSet
from datafiles.serializers import generic_set_document, set_document
from datafiles.views import OWNERS, READERS, CreatingView
from hypermedia.collections import CREATED_BY, Collection, CollectionView, SearchView
from hypermedia.filters import DATE_TIME, INTEGER, TEXT, Field
from hypermedia.readers import Reader

FIELDS = {
    "id": Field("id", INTEGER, sortable=True, rare=True),
    "code": Field("code", TEXT, sortable=True, rare=True),
    "createdBy": CREATED_BY,
    "creationDate": Field("creation_date", DATE_TIME, sortable=True),
    "lastUpdatedDate": Field("last_updated_date", DATE_TIME, sortable=True),
}


def _visible(reader: Reader) -> QuerySet[Any]:
    return DataFileSet.objects.visible_to(reader).prefetch_related("data_files")


SETS: Collection[DataFileSet] = Collection(
    path="datafilesets",
    fields=FIELDS,
    visible=_visible,
    everything=lambda: DataFileSet.objects.filter(deleted_at=None),
    document=lambda data_file_set, reader: set_document(data_file_set, list(data_file_set.data_files.all()), reader),
)
GENERIC_SETS: Collection[DataFileSet] = Collection(
    path="generic/datafilesets",
    fields=FIELDS,
    visible=_visible,
    everything=lambda: DataFileSet.objects.filter(deleted_at=None),
    document=lambda data_file_set, reader: generic_set_document(
        data_file_set, list(data_file_set.data_files.all()), reader
    ),
)


class DataFileSetsView(CollectionView, CreatingView):
    roles = {"GET": READERS, "POST": OWNERS}
    collection = SETS


class DataFileSetSearchView(SearchView):
    roles = {"POST": READERS}
    collection = SETS


class GenericDataFileSetsView(CollectionView):
    roles = {"GET": READERS}
    collection = GENERIC_SETS


class GenericDataFileSetSearchView(SearchView):
    roles = {"POST": READERS}
    collection = GENERIC_SETS
