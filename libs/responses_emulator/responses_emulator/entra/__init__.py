"""Microsoft Entra: applications, users, grants and tokens."""
