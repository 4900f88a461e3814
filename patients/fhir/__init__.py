"""Medical records as resources of FHIR R4: what imports read from them, and what exports write."""
