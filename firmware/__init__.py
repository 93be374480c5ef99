"""What runs on an edge node, and the protocol it shares with the controller."""
