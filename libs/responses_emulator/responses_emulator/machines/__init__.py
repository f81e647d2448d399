"""What a machine in the cloud offers: managed identities and the Azure CLI."""
