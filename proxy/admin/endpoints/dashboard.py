"""The page that lists what is served, by what, and what is not."""

from __future__ import annotations

from flask import Blueprint, render_template

from proxy.admin.overview import rawdata

dashboard = Blueprint("dashboard", __name__, url_prefix="/dashboard")


@dashboard.get("/")
def page() -> str:
    """One page, without script, without a request to anywhere else."""
    return render_template("dashboard.html", data=rawdata())
