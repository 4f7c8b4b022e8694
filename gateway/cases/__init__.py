"""Cases: one thing that went wrong with an order, with an owner, a deadline, a timeline and an end."""
