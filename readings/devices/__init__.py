"""Devices and who wore them, and which device readings came from. Depends only on the models of this app."""
