"""A long day: parcels are registered, pushed, read and told of at an even pace; memory and backlogs are watched."""
