//! Code shared by the benchmarks: the server as a process, its clients and databases, the machine, and the figures.

pub mod client;
pub mod database;
pub mod feed;
pub mod machine;
pub mod report;
pub mod server;
