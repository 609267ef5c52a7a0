DROP TABLE ingest_position;
