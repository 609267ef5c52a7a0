DROP VIEW latest_states;

-- A continuous aggregate shows itself as a view.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['traffic_by_cell', 'traffic_by_country'] LOOP
        IF (SELECT relkind FROM pg_class WHERE oid = name::regclass) = 'v' THEN
            EXECUTE format('DROP MATERIALIZED VIEW %I', name);
        ELSE
            EXECUTE format('DROP TABLE %I', name);
        END IF;
    END LOOP;
END $$;
