//! A server as a process group, and the resources that all of its processes use together.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Blocks the current thread, which must not run an async runtime.
pub(crate) fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "there is no arbiter on this thread")]
    std::thread::sleep(duration);
}

/// A process and its children, with their own folder. Dropping it kills them.
pub(crate) struct Group {
    child: Child,
    folder: TempDir,
}

impl Group {
    /// Starts `command` in `folder`, with its standard error in the file `log` there.
    pub(crate) fn start(mut command: Command, folder: TempDir) -> anyhow::Result<Self> {
        command
            .current_dir(&folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?);
        let child = command.spawn().with_context(|| format!("failed to start {command:?}"))?;
        Ok(Self { child, folder })
    }

    fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Returns the PIDs of its running processes, with the fields of their `stat`.
    fn processes(&self) -> anyhow::Result<Vec<(i32, Vec<String>)>> {
        let mut processes = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A process that has just ended has no stat.
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            // The second field, the name, may contain spaces.
            let Some((_, after_name)) = stat.rsplit_once(')') else { continue };
            let fields: Vec<_> = after_name.split_whitespace().map(str::to_owned).collect();
            if fields.get(2) == Some(&self.id().to_string()) {
                processes.push((pid, fields));
            }
        }
        Ok(processes)
    }

    /// Returns the user and system time of all processes so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        /// `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
        const TICK: Duration = Duration::from_millis(10);
        // utime and stime are fields 14 and 15; the first two were cut off.
        let ticks =
            |fields: &[String]| fields.iter().skip(11).take(2).filter_map(|t| t.parse::<u32>().ok()).sum::<u32>();
        Ok(TICK * self.processes()?.iter().map(|(_, fields)| ticks(fields)).sum())
    }

    /// Returns the proportional set size of all processes, in KiB.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for (pid, _) in self.processes()? {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kibibytes = pss.and_then(|pss| pss.split_whitespace().next()).context("no Pss in smaps_rollup")?;
            sum += kibibytes.parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Stops it with SIGTERM, and fails if it has not ended after 30 s.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        killpg(Pid::from_raw(self.id()), Signal::SIGTERM)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the server did not stop; end of its log:\n{}", self.log());
            }
            pause(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns the last lines of its log.
    pub(crate) fn log(&self) -> String {
        log(self.folder.path())
    }
}

fn log(folder: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(folder.join("log")).and_then(|mut file| file.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    read.map_or_else(|error| error.to_string(), |_| lines[lines.len().saturating_sub(20)..].join("\n"))
}

impl Drop for Group {
    fn drop(&mut self) {
        // Both fail if it has already ended, which is fine.
        let _ = killpg(Pid::from_raw(self.id()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
