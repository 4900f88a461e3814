"""Link patients to tracker models, and resolve tracker names."""
