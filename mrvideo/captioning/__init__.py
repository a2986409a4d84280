"""Stage A: from clips to captions under shared names."""
