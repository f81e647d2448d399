"""The emulated Entra, metadata services, Resource Manager and `az` are accepted by the vendor's own clients.

Two independent ones: `msal`, on which the product builds, and `azure-identity`, which speaks to the metadata services
by itself. What neither asks for is asked with plain HTTP.
"""
