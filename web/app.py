"""The web face: one Flask application over one running site.

Hides headers, sign-in, languages and error pages from the blueprints, of which there is one per audience.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from flask import Flask

from controller.site import Site

BLUEPRINTS = ("auth", "citizen", "clerk", "manager", "technician", "feed")


def create_app(site: Site) -> Flask:
    """The application serving `site`; each module of BLUEPRINTS brings its `blueprint`."""
    app = Flask(__name__)
    app.extensions["site"] = site
    for name in BLUEPRINTS:
        if find_spec(f"web.{name}") is not None:
            app.register_blueprint(import_module(f"web.{name}").blueprint)
    return app
