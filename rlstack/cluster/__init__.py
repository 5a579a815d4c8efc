"""All that touches Ray: the session, the actors, and the groups that the driver talks to."""
