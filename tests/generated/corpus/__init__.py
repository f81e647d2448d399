"""The check against recorded real traffic: that the code agrees with the world, and not only with our emulator."""
