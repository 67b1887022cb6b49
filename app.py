"""The composition root: settings, extensions, doors. A list, no logic."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.utils import import_string

from config import extensions, logs
from config.settings import Settings, get_settings
from tenants import edge, formats, problems, ui
from tenants.health import metrics

# Doors for people: every blueprint names its face.
PAGES = (
    "tenants.health.views:probes",
    "tenants.health.views:bp",
    "tenants.shell.views:bp",
    "tenants.directory.views:bp",
    "tenants.files.views:bp",
    "tenants.catalogue.views:bp",
    "tenants.imports.views:bp",
    "tenants.directory.brand_views:bp",
    "tenants.directory.brand_views:settings",
    "tenants.directory.brand_views:files",
    "tenants.directory.console:bp",
    "tenants.directory.console_account:bp",
    "tenants.accounts.platform_views:bp",
    "tenants.accounts.views:bp",
    "tenants.accounts.views:till",
    "tenants.accounts.own_views:bp",
    "tenants.accounts.staff_views:bp",
    "tenants.accounts.code_views:member",
    "tenants.accounts.code_views:partner",
    "tenants.delivery.views:bp",
    "tenants.delivery.unsubscribe_views:bp",
    "tenants.delivery.webhooks:bp",
    "tenants.delivery.mailbox_views:bp",
    "tenants.integrations.views:bp",
    "tenants.audit.views:bp",
    "tenants.start.views:bp",
    "loyalty.members.views:bp",
    "loyalty.purchases.views:bp",
    "loyalty.points.views:bp",
    "loyalty.tiers.views:bp",
    "loyalty.till.views:bp",
    "loyalty.portal.views:bp",
    "channels.partners.views:bp",
    "channels.portal.views:bp",
)
# Doors for programs: flask-smorest blueprints under /api/v1.
APIS: tuple[str, ...] = (
    "loyalty.purchases.api:bp",
    "loyalty.points.api:bp",
    "loyalty.members.api:bp",
)
# Modules that subscribe handlers, periodic work or kinds of import when imported.
JOBS: tuple[str, ...] = (
    "tenants.health.jobs",
    "tenants.accounts.jobs",
    "tenants.delivery.jobs",
    "loyalty.messages.jobs",
    "channels.partners.texts",
    "loyalty.points.jobs",
    "loyalty.tiers.jobs",
    "tenants.imports.jobs",
    "loyalty.members.imports",
    "loyalty.purchases.imports",
    "loyalty.members.signin",
    "channels.partners.signin",
    "loyalty.start.tiles",
    "channels.start.tiles",
)
# Click groups.
COMMANDS: tuple[str, ...] = (
    "loyalty.purchases.cli:imports",
    "demo.cli:demo",
    "tenants.accounts.cli:operator",
    "tenants.delivery.cli:delivery",
)


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
