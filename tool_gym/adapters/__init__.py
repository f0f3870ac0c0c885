"""Adapters: episodes in the forms that other frameworks take; one file each, which imports its framework when used."""
