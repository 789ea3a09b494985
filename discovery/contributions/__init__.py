"""What each agent contributes where several agents feed one store: reading, writing and assembling it."""
