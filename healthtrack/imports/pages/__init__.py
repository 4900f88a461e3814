"""The pages of imports: uploads, runs, profiles, exports, and the admin of models that are imported."""
