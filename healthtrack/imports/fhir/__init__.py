"""Read the resources of FHIR R4 files: NDJSON of bulk exports, and Bundles of any size, in bounded memory."""
