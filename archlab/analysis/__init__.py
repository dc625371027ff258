"""What an architecture costs, how far it sees and whether it will train."""
