"""Stored files of a tenant: uploads and exports, in the tenant's own folder, with a checksum."""
