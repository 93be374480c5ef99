"""Messages to citizens: written down first, sent by whatever carries them here, and what they answer."""
