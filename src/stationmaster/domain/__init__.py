"""What charging means, in no protocol version's words: nouns, facts and pure rules."""
