DROP TABLE state_vectors;
