DROP TABLE source_polls;
