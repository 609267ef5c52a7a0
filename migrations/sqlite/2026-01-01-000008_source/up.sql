-- The name of the configured source that reported the state; NULL in rows of earlier versions.
ALTER TABLE state_vectors_scaled ADD COLUMN source text;
