"""Plain values, text for people, files, locks and standard streams: helpers that know nothing of jobs."""
