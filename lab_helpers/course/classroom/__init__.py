"""A room without internet: the bundle that is carried there, and the check of each machine."""
