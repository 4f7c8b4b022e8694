"""Telling people: what is news, in which words, on which channel, once."""
