"""Obtain tokens of Microsoft Entra: one file for each kind of identity, and the choice between them.

Nothing here knows the Responses API; it sees the endpoint and the settings only.
"""
