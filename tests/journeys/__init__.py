"""Stories over HTTP with every process real: web, relay, worker, mailbox."""
