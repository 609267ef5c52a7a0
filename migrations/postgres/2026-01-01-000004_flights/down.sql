DROP TABLE derived_late_hours;
DROP TABLE derived_late_aircraft;
DROP TABLE derived_cursor;
DROP TABLE flights;
