"""The tables of MP4 files: which samples there are, without reading them all."""
