//! Runs the server as a separate process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Returns the server's executable: `BENCH_SERVER`, to compare another build, or the one in this benchmark's target
/// folder.
///
/// # Errors
/// If the executable does not exist: `make` builds it, `cargo bench` alone does not.
pub fn program() -> anyhow::Result<PathBuf> {
    if let Some(other) = std::env::var_os("BENCH_SERVER") {
        return Ok(other.into());
    }
    // The benchmark is `target/release/deps/…`.
    let benchmark = std::env::current_exe()?;
    let program = benchmark.ancestors().nth(2).context("no target folder")?.join("flight-monitor");
    anyhow::ensure!(program.exists(), "{} does not exist: run `cargo build --release` first", program.display());
    Ok(program)
}

/// A running `flight-monitor serve` in a temporary folder. Dropping it kills the process.
pub struct Server {
    pub address: SocketAddr,
    pub started: Instant,
    child: Child,
    folder: TempDir,
}

/// Memory use in KiB.
pub struct Memory {
    pub resident: u64,
    pub proportional: u64,
}

impl Server {
    pub fn start(arguments: &[&str], settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program()?);
        command
            .arg("serve")
            .args(arguments)
            .current_dir(&folder)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("HTTP_PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?);
        let started = Instant::now();
        let child = command.spawn().context("failed to start the server")?;
        Ok(Self { address, started, child, folder })
    }

    /// Returns the user and system time of all its threads so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        /// `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
        const TICK: Duration = Duration::from_millis(10);
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field, the name, may contain spaces; utime and stime are fields 14 and 15.
        let after_name = stat.rsplit_once(')').context("no name in stat")?.1;
        let ticks: u32 = after_name.split_whitespace().skip(11).take(2).map(|t| t.parse().unwrap_or(0)).sum();
        Ok(TICK * ticks)
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let value = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let (resident, proportional) = value("Rss:").zip(value("Pss:")).context("no figures in smaps_rollup")?;
        Ok(Memory { resident, proportional })
    }

    /// Returns its peak resident memory, in KiB.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in status")?;
        Ok(line.split_whitespace().next().context("no figure in VmHWM")?.parse()?)
    }

    pub fn threads(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.child.id()))?.count())
    }

    /// Stops it gracefully.
    pub fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server exited with {status}; end of its log:\n{}", self.log());
        }
        Ok(())
    }

    /// Stops it gracefully, and returns its peak resident memory until its end, in KiB.
    pub fn stop_and_measure(mut self) -> anyhow::Result<u64> {
        let mut peak = self.peak_memory()?;
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "the server exited with {status}; end of its log:\n{}", self.log());
                return Ok(peak);
            }
            // Fails once it is a zombie.
            peak = self.peak_memory().unwrap_or(peak);
            #[expect(clippy::disallowed_methods, reason = "there is no arbiter on this thread")]
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the last lines of its log.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has already ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
