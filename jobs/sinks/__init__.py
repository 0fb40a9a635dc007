"""Where records and events go to."""
