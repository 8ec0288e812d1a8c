"""Deciding: pure functions from a config and facts to operations. Nothing here can look or write."""
