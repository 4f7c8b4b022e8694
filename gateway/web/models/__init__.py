"""What requests must look like and what answers look like: the same models validate and document."""
