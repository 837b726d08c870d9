"""Which vectors look alike: the only room that compares embeddings."""
