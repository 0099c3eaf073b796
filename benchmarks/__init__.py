"""What `make bench` prints: times and, because machines differ, ratios within one run."""
