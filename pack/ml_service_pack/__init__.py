"""From a fitted estimator to a folder that ml-service takes, compared three ways: library, exported file, service."""

from .packing import Packed, Refused, pack

__all__ = ["Packed", "Refused", "pack"]
