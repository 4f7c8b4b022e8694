"""The crash campaign: kill -9 at random moments while everything is under way (`make crash RUNS=n`)."""
