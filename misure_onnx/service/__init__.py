"""misure as an HTTP service: jobs in SQLite, one worker process a device, results as files."""
