from django.urls import path

from reports.registry import reports
from reports.views.chart_gallery import Gallery
from reports.views.index import Index
from reports.views.saved_views import ChangeView, DeleteView, SavedViews, SaveView

app_name = "reports"
urlpatterns = [
    path("", Index.as_view(), name="index"),
    path("charts/", Gallery.as_view(), name="charts"),
    path("views/", SavedViews.as_view(), name="saved-views"),
    path("views/save/", SaveView.as_view(), name="save-view"),
    path("views/<int:view_id>/", ChangeView.as_view(), name="change-view"),
    path("views/<int:view_id>/delete/", DeleteView.as_view(), name="delete-view"),
    *(path(f"{report.name}/", report.as_view(), name=report.name) for report in reports()),
]
