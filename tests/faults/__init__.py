"""What goes wrong around the gateway, done to a real one (`make faults`)."""
