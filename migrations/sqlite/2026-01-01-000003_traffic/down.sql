DROP VIEW latest_states;
DROP TABLE traffic_by_cell;
DROP TABLE traffic_by_country;
