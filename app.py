"""The composition root: settings, extensions, doors. A list, no logic."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.utils import import_string

from config import extensions, logs
from config.settings import Settings, get_settings
from tenants import edge, formats, problems, ui
from tenants.health import metrics

# Doors for people, package by package: every blueprint names its face.
PAGES = """
tenants.health.views:probes tenants.health.views:bp tenants.shell.views:bp
tenants.directory.views:bp tenants.directory.console:bp tenants.directory.console_account:bp
tenants.directory.brand_views:bp tenants.directory.brand_views:settings tenants.directory.brand_views:files
tenants.accounts.platform_views:bp tenants.accounts.views:bp tenants.accounts.views:till
tenants.accounts.own_views:bp tenants.accounts.staff_views:bp
tenants.accounts.code_views:member tenants.accounts.code_views:partner
tenants.files.views:bp tenants.catalogue.views:bp tenants.imports.views:bp
tenants.delivery.views:bp tenants.delivery.unsubscribe_views:bp tenants.delivery.webhooks:bp
tenants.delivery.mailbox_views:bp tenants.integrations.views:bp tenants.audit.views:bp tenants.start.views:bp
loyalty.members.views:bp loyalty.purchases.views:bp loyalty.points.views:bp loyalty.tiers.views:bp
loyalty.start.views:bp loyalty.till.views:bp loyalty.portal.views:bp
channels.partners.views:bp channels.portal.views:bp
""".split()
# Doors for programs: flask-smorest blueprints under /api/v1.
APIS = "loyalty.purchases.api:bp loyalty.points.api:bp loyalty.members.api:bp".split()
# Modules that subscribe handlers, periodic work, texts or kinds of import when imported.
JOBS = """
tenants.health.jobs tenants.accounts.jobs tenants.delivery.jobs tenants.imports.jobs
loyalty.members.imports loyalty.members.signin loyalty.messages.jobs loyalty.points.jobs
loyalty.purchases.imports loyalty.start.tiles loyalty.tiers.jobs
channels.partners.signin channels.partners.texts channels.start.tiles
""".split()
# Click groups.
COMMANDS = """
loyalty.purchases.cli:imports demo.cli:demo tenants.accounts.cli:operator tenants.delivery.cli:delivery
""".split()


def create_app(settings: Settings | None = None) -> Flask:
    """Build the app. Raises SettingsError when the environment does not describe an installation."""
    settings = settings or get_settings()
    logs.configure(settings.log_level)
    app = Flask("perennial", root_path=str(extensions.ROOT), static_folder="static", template_folder="templates")
    app.config.update(SECRET_KEY=settings.secret_key, TESTING=settings.env == "test", MAX_CONTENT_LENGTH=64 << 20)
    app.extensions["settings"] = settings
    app.wsgi_app = ProxyFix(app.wsgi_app, *[settings.trusted_proxies] * 3)  # type: ignore[method-assign]
    extensions.init_app(app, settings)
    extensions.babel.init_app(app, locale_selector=edge.select_locale, timezone_selector=edge.select_zone)
    edge.init_app(app, settings)
    problems.init_app(app)
    formats.init_app(app)
    metrics.init_app(app)
    ui.init_app(app)
    for path in PAGES:
        app.register_blueprint(import_string(path))
    for path in APIS:
        door = import_string(path)
        extensions.csrf.exempt(door)  # keys, no cookies
        extensions.api(app).register_blueprint(door)
    for path in JOBS:
        import_string(path)
    for path in COMMANDS:
        app.cli.add_command(import_string(path))
    edge.start_checks(app)
    return app
