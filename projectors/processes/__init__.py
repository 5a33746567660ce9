"""What any process needs to take its steps once."""
