use std::sync::LazyLock;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::config::keys::KEYS;
use crate::config::{Flags, Key, Kind};

/// One flag for every key of the configuration that is no secret, made from the key table.
#[derive(Clone, Debug, Default)]
pub struct SettingFlags(pub Flags);

struct KeyFlag {
    key: &'static Key,
    name: String,
    heading: String,
    help: String,
}

static FLAGS: LazyLock<Vec<KeyFlag>> = LazyLock::new(|| {
    let flag = |key: &'static Key| {
        let default = if key.default.is_empty() { String::new() } else { format!(" [default: {}]", key.default) };
        Some(KeyFlag {
            key,
            name: key.flag()?,
            heading: format!("Settings: {}", key.section()),
            help: format!("{}{default} [env: {}]", key.meaning, key.environment()),
        })
    };
    KEYS.iter().filter_map(flag).collect()
});

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        FLAGS.iter().fold(command, |command, flag| {
            command.arg(
                Arg::new(flag.name.as_str())
                    .long(flag.name.as_str())
                    .help(flag.help.as_str())
                    .help_heading(flag.heading.as_str())
                    .value_name(placeholder(flag.key.kind))
                    .action(ArgAction::Set)
                    // A southern latitude starts with a minus.
                    .allow_hyphen_values(flag.key.kind == Kind::BoundingBox)
                    .hide_short_help(flag.name != "roles"),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for flag in FLAGS.iter() {
            if let Some(text) = matches.get_one::<String>(&flag.name) {
                self.0.set(flag.key, text);
            }
        }
        Ok(())
    }
}

fn placeholder(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Secret { .. } => "TEXT",
        Kind::Path => "FILE",
        Kind::HttpUrl | Kind::DatabaseUrl => "URL",
        Kind::Host => "HOST",
        Kind::Port => "PORT",
        Kind::Whole { .. } => "N",
        Kind::Duration { .. } => "DURATION",
        Kind::PollInterval { .. } => "auto|DURATION",
        Kind::Bytes { .. } => "SIZE",
        Kind::BoundingBox => "LAMIN,LOMIN,LAMAX,LOMAX",
        Kind::Servers => "HOST:PORT,…",
        Kind::Topic => "TOPIC",
        Kind::Origins => "ORIGIN,…",
        Kind::Networks => "NETWORK,…",
        Kind::Properties => "K=V,…",
        Kind::Roles => "ROLE,…",
    }
}
