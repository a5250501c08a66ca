"""What a run is asked to do, its files, its folder and its account."""
