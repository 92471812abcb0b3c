"""What waits: jobs for their flow runs, dead letters for a decision, events and deliveries for their readers."""
