"""E-mails: who gets them, how they are written, and how they leave."""
