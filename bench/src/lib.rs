//! Code shared by the benchmarks: the server as a process, the machine's description, and the table of figures.

pub mod feed;
pub mod machine;
pub mod report;
pub mod server;
