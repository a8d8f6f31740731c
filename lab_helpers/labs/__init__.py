"""One folder a lab. A lab imports no other lab; what several call lies in ``shared``."""
