"""The pages of the sign-in and of one's own account, and the lists with chosen columns."""
