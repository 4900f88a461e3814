"""The filters over patients, shared by the list of records and the reports."""
