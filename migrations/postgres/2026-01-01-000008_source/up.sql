-- The name of the configured source that reported the state; NULL in rows of earlier versions.
ALTER TABLE state_vectors_scaled ADD COLUMN source text;
COMMENT ON COLUMN state_vectors_scaled.source IS
    'Name of the configured source that reported this state; NULL in messages of other producers.';
