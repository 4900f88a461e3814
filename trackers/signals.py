from django.dispatch import Signal

# Sent within the transaction that adds tracker models by an import: primary_keys, and dry_run, which asks only
# for the counts. Each receiver answers with the LinkCounts of what it linked to them, or would link.
models_imported = Signal()
