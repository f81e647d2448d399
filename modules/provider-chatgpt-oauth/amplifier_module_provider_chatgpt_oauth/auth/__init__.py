"""The sign-in to a ChatGPT plan: its tokens, their refresh, and the credential of requests.

Nothing here knows the Responses API; it sees the settings and the sign-in service only.
"""
