"""Devices and readings as resources of FHIR R4, for exports of records."""
