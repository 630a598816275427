"""What pages of HTML have in common: their base, style and script, and how they are filled."""
