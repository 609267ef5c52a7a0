//! Faults of a running PostgreSQL server.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::support::{eventually, sleep};

/// The test's own connections to PostgreSQL, which bypass the proxy.
pub(crate) struct Postgres {
    url: String,
    runtime: Runtime,
    /// Every connection that the server allows, held so that the program gets none.
    held_connections: Vec<Client>,
    /// The disk that is full.
    disk: Option<SmallDisk>,
}

/// A tmpfs, unmounted on drop.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it next to the server's data directory, owned by the same user. Returns `None` if mounting is not
    /// permitted.
    fn mount(data: &Path, size: i64) -> Option<Self> {
        let (owner, folder) = (fs::metadata(data).ok()?, data.with_file_name("small-disk"));
        fs::create_dir_all(&folder).unwrap();
        let options = format!("size={size},uid={},gid={},mode=700", owner.uid(), owner.gid());
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self { folder })
    }

    fn fill(&self) {
        let mut ballast = File::create(self.folder.join("ballast")).unwrap();
        let error = loop {
            if let Err(error) = ballast.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        fs::remove_file(self.folder.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A lazy unmount lets files that are still open be closed first.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

/// All other sessions on this database.
const OTHERS: &str = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

impl Postgres {
    pub(crate) fn at(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { url: url.to_owned(), runtime, held_connections: Vec::new(), disk: None }
    }

    fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            // The task ends when the client is dropped.
            tokio::spawn(connection);
            Ok(client)
        })
    }

    fn execute(&self, client: &Client, sql: &str) {
        self.runtime.block_on(client.batch_execute(sql)).unwrap();
    }

    fn number(&self, client: &Client, sql: &str) -> i64 {
        self.runtime.block_on(client.query_one(sql, &[])).unwrap().get(0)
    }

    /// Makes the server reject transactions that write, or accept them again.
    pub(crate) fn read_only(&self, read_only: bool) {
        let client = self.connect().unwrap();
        self.execute(&client, &format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}"));
        self.execute(&client, "SELECT pg_reload_conf()");
        eventually("the setting is in effect", || {
            let client = self.connect().unwrap();
            let sql = "SELECT (current_setting('default_transaction_read_only')::boolean)::int::bigint";
            (self.number(&client, sql) == i64::from(read_only)).then_some(())
        });
    }

    /// Fills the disk of the table by moving the table to a small disk and filling that to the last byte. If no disk
    /// can be mounted, a trigger rejects rows with the error of a full disk instead. Returns whether a real disk was
    /// filled.
    pub(crate) fn disk_full(&mut self) -> bool {
        let client = self.connect().unwrap();
        self.disk = self.small_disk(&client);
        match &self.disk {
            Some(disk) => {
                let sql = format!("CREATE TABLESPACE small LOCATION '{}'", disk.folder.display());
                self.execute(&client, &sql);
                self.execute(&client, "ALTER TABLE state_vectors_scaled SET TABLESPACE small");
                disk.fill();
            }
            None => self.execute(
                &client,
                "CREATE OR REPLACE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER disk_is_full BEFORE INSERT ON state_vectors_scaled EXECUTE FUNCTION disk_is_full()",
            ),
        }
        self.disk.is_some()
    }

    pub(crate) fn free_disk(&mut self) {
        let client = self.connect().unwrap();
        match self.disk.take() {
            Some(disk) => {
                disk.make_room();
                self.execute(&client, "ALTER TABLE state_vectors_scaled SET TABLESPACE pg_default");
                self.execute(&client, "DROP TABLESPACE small");
            }
            None => self.execute(&client, "DROP TRIGGER disk_is_full ON state_vectors_scaled"),
        }
    }

    /// Mounts a disk with slightly more space than the table takes.
    fn small_disk(&self, client: &Client) -> Option<SmallDisk> {
        let size = self.number(client, "SELECT pg_table_size('state_vectors_scaled')") + (32 << 20);
        let data: String = self.runtime.block_on(client.query_one("SHOW data_directory", &[])).unwrap().get(0);
        SmallDisk::mount(&PathBuf::from(data), size)
    }

    /// Takes every connection of the server, including those of the program.
    pub(crate) fn exhaust_connections(&mut self) {
        let first = self.connect().unwrap();
        for _ in 0..3 {
            self.number(&first, &format!("SELECT count(pg_terminate_backend(pid)) {OTHERS} AND application_name = ''"));
            while let Ok(client) = self.connect() {
                self.execute(&client, "SET application_name = 'held_connections'");
                self.held_connections.push(client);
            }
        }
        self.held_connections.push(first);
    }

    pub(crate) fn release_connections(&mut self) {
        self.held_connections.clear();
        eventually("the server accepts connections again", || self.connect().ok().map(drop));
    }

    /// Cancels every query of the other sessions for this long.
    pub(crate) fn cancel_queries(&self, time: Duration) {
        let (client, began) = (self.connect().unwrap(), Instant::now());
        while began.elapsed() < time {
            self.number(&client, &format!("SELECT count(pg_cancel_backend(pid)) {OTHERS} AND state = 'active'"));
            sleep(Duration::from_millis(5));
        }
    }

    /// Deadlocks with a transaction of the program that locks these two partitions in this order. PostgreSQL aborts the
    /// program's transaction.
    pub(crate) fn deadlock(&self, topic: &str, first: i32, second: i32) {
        let client = self.connect().unwrap();
        let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let before = self.number(&client, deadlocks);
        let lock = |partition: i32| {
            format!("SELECT 1 FROM ingest_position WHERE topic = '{topic}' AND partition = {partition} FOR UPDATE")
        };
        eventually("a deadlock", || {
            // The session whose `deadlock_timeout` expires first detects the deadlock and is aborted. The program's is
            // 1 s.
            self.execute(&client, &format!("BEGIN; SET LOCAL deadlock_timeout = '20s'; {}", lock(second)));
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(3)
                && self.number(&client, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0
            {
                sleep(Duration::from_millis(10));
            }
            self.execute(&client, &format!("{}; ROLLBACK", lock(first)));
            self.execute(&client, "SELECT pg_stat_force_next_flush()");
            (self.number(&client, deadlocks) > before).then_some(())
        });
    }
}
