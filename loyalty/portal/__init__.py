"""The member portal: my card, my points, my tier and why, my purchases, my choices."""
