"""What a node and the controller say to each other. The only part of firmware that controller may import."""
