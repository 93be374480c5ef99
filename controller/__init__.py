"""The controller of one site: decides every queue of its halls in exactly one place."""
