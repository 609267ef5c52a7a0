-- The program generates the views again.
DROP VIEW IF EXISTS latest_states;
DROP VIEW IF EXISTS state_vectors;
ALTER TABLE state_vectors_scaled DROP COLUMN source;
