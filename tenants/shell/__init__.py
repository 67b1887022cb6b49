"""The small files around every page: colours, icon, web manifest, service worker, display choices."""
