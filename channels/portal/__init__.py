"""The partner portal: everything here runs in the partner's own scope."""
