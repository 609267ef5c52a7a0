//! While the database rejects writes, the live stream continues and the log says what to do; once that is done, rows
//! are stored.

use std::os::unix::fs::PermissionsExt;

use url::Url;

use crate::support::{Database, Setup, Sky, TestApp, unique_name, variable};

/// A database and a role for one test. The role may connect to the database, but has no other privileges.
struct RestrictedDatabase {
    /// The database, accessed as its owner.
    owner: Database,
    server: Database,
    role: String,
    url: Url,
}

impl RestrictedDatabase {
    fn new() -> Self {
        let owner = Database::postgres();
        let Database::Postgres(mut url) = owner.clone() else { unreachable!() };
        let (server, role) = (Database::at(&variable("TEST_DATABASE_URL")), unique_name());
        url.set_username(&role).unwrap();
        Self { owner, server, role, url }
    }

    fn create_role(&self) {
        self.server.execute(&format!("CREATE ROLE {} LOGIN", self.role));
    }

    fn grant(&self) {
        self.owner.execute(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", self.role));
    }
}

/// Asserts that the server streams without its database and reports why, and that it stores rows without a restart once
/// `end` has fixed the problem.
fn recovers_without_a_restart(app: &TestApp, sky: &Sky, reasons: &[&str], end: impl FnOnce(), database: &Database) {
    let reason = app.wait_storing_refused();
    for text in reasons {
        assert!(reason.contains(text), "{text}: {reason}");
    }
    let client = app.sse();
    let before = client.seen().states().len();
    client.wait_states(before + 20);
    app.log.wait("the reason", |line| line.contains(reasons[0]).then_some(())).unwrap();
    let lines = app.lines_with(reasons[0]);
    sky.wait_polls(10);
    assert!(app.lines_with(reasons[0]) <= lines + 3, "the same reason floods the log");
    end();
    database.wait_more_than(0);
    app.wait_actor("db-writer", "is running", |actor| actor["phase"] == "running");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn rows_are_stored_once_the_schema_privilege_is_granted() {
    let restricted = RestrictedDatabase::new();
    restricted.create_role();
    // Before PostgreSQL 15, PUBLIC may create tables in this schema.
    restricted.owner.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC");
    let sky = Sky::of(20);
    let setup = Setup::embedded().set("DATABASE_URL", restricted.url.as_str()).watching(&sky);
    let ended = setup.clone().arguments(["migrate"]).run();
    assert_eq!(ended.code, Some(1), "a command fails immediately");
    assert!(ended.last_line().contains("GRANT USAGE, CREATE ON SCHEMA public"), "{}", ended.last_line());

    let app = setup.start();
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", restricted.role);
    recovers_without_a_restart(&app, &sky, &["permission denied", &grant], || restricted.grant(), &restricted.owner);

    // A privilege that is revoked and granted again while the server runs.
    let all = |verb, to| format!("{verb} INSERT, UPDATE ON ingest_position {to} {}", restricted.role);
    restricted.owner.execute(&format!("ALTER TABLE ingest_position OWNER TO postgres; {}", all("REVOKE", "FROM")));
    let reason = app.wait_storing_refused();
    assert!(reason.contains("permission denied for table ingest_position"), "{reason}");
    restricted.owner.execute(&format!(
        "GRANT SELECT ON ingest_position TO {}; {}",
        restricted.role,
        all("GRANT", "TO")
    ));
    sky.fail_polls();
    restricted.owner.wait_rows(&sky.served());
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn rows_are_stored_once_the_role_and_the_database_exist() {
    let restricted = RestrictedDatabase::new();
    let sky = Sky::of(20);
    let mut url = restricted.url.clone();
    let name = unique_name();
    url.set_path(&name);
    let setup = Setup::embedded().set("DATABASE_URL", url.as_str()).watching(&sky);
    for command in [&["migrate"][..], &["export", "--from", "2020-01-01T00:00:00Z", "all.csv"]] {
        let ended = setup.clone().arguments(command.iter().copied()).run();
        assert_eq!(ended.code, Some(1), "{command:?}");
        assert!(ended.last_line().contains("create this role"), "{command:?}: {}", ended.last_line());
    }
    let app = setup.start();
    let reason = app.wait_storing_refused();
    assert!(reason.contains("create this role"), "{reason}");
    restricted.create_role();
    let database = Database::Postgres({
        let mut owner = url.clone();
        owner.set_username("postgres").unwrap();
        owner
    });
    let create = || restricted.server.execute(&format!("CREATE DATABASE {name} OWNER {}", restricted.role));
    crate::support::eventually("the database is missing", || {
        app.part("db-writer")?["reason"].as_str()?.contains("create this database").then_some(())
    });
    recovers_without_a_restart(&app, &sky, &["create this database"], create, &database);
    app.end();
}

#[test]
fn rows_are_stored_once_the_sqlite_file_is_usable() {
    let sky = Sky::of(20);
    let setup = Setup::embedded().watching(&sky);
    let folder = setup.directory().join("data");
    let file = folder.join("flight-monitor.db");

    // A file where the folder should be.
    std::fs::write(&folder, "a file").unwrap();
    let app = setup.start();
    let free = || std::fs::remove_file(&folder).unwrap();
    recovers_without_a_restart(&app, &sky, &["failed to create the folder"], free, &setup.database());
    app.end();

    // A file that is not a database.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&file, "not a database ".repeat(100)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = setup.clone().arguments(["migrate"]).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.last_line().contains("file is not a database"), "{}", ended.last_line());
    let app = setup.start();
    let reason = app.wait_storing_refused();
    assert!(reason.contains("file is not a database; move this file"), "{reason}");
    std::fs::remove_file(&file).unwrap();
    setup.database().wait_more_than(0);
    app.end();
}
