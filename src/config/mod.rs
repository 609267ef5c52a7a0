//! The configuration: built-in defaults < `config.yaml` < environment < flags, parsed once into the types that the
//! program uses.
//!
//! [`sections`] declares every setting in one place, from which its parsing, default, environment variable, flag and
//! documentation follow. The file, the environment and the flags each become a [`layer`]; the `config` crate merges the
//! layers, and the sections parse themselves from the result. [`legacy`] has the names of the Go original.

mod diagnostics;
mod entries;
mod environment;
mod file;
mod files;
mod flags;
mod layer;
mod legacy;
mod load;
mod names;
mod reader;
mod render;
mod schema;
mod section;
mod sections;
mod setting;
mod value;
mod values;

pub use diagnostics::{ConfigError, ConfigProblem};
pub use environment::Environment;
pub use flags::Flags;
pub use load::CONFIG_FILE;
pub use render::{config_file, effective, markdown_table};
pub use schema::SectionSchema;
pub use sections::*;
pub use setting::Setting;
pub use value::{InvalidValue, Secrecy, SettingValue, Shape};
pub use values::{
    ADMIN_TOKEN_FILE, AdminToken, AdminTokenError, Brokers, ByteSize, DatabaseAddress, Directory, EditedRulesFile,
    Host, KafkaProperties, LoadedToken, Role, Roles, RuleNames, RulesFiles, Secret, TableFile, Topic, parse_duration,
    show_duration,
};

#[cfg(test)]
mod tests;
