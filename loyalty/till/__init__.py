"""The till: who is it, what did they buy, what did it earn."""
