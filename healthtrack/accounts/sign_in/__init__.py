"""How people sign in: passwords, second factor, lock-out, sessions."""
