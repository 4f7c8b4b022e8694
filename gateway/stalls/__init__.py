"""Stalls: our finding that a shipment does not move as it should; and incidents, one cause behind many of them."""
