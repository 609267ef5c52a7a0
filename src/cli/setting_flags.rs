use std::marker::PhantomData;
use std::sync::LazyLock;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::config::keys::KEYS;
use crate::config::{Flags, Key, Kind};

/// One flag for every key of the configuration that is no secret, made from the key table. Every command takes all of them, so
/// that one set of flags serves a whole deployment; its help shows those of the keys that it uses.
#[derive(Clone, Debug, Default)]
pub struct SettingFlags<U = EveryKey>(pub Flags, PhantomData<fn() -> U>);

/// Which keys a command uses.
pub trait UsedKeys {
    /// Whether these are so many that the short help leaves them out.
    const MANY: bool = false;

    /// Whether the key is one of them.
    fn has(key: &Key) -> bool;
}

/// Those of a server.
#[derive(Clone, Debug, Default)]
pub struct EveryKey;

/// Those of a command that reads the database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseUrlOnly;

/// Those of a command that writes into the database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseKeys;

/// Those of a command that publishes to Kafka.
#[derive(Clone, Debug, Default)]
pub struct PublishingKeys;

/// Those of a command that also reads Kafka as a group.
#[derive(Clone, Debug, Default)]
pub struct ConsumingKeys;

/// Those that say where the server listens.
#[derive(Clone, Debug, Default)]
pub struct ListeningKeys;

impl UsedKeys for EveryKey {
    const MANY: bool = true;

    fn has(_: &Key) -> bool {
        true
    }
}

impl UsedKeys for DatabaseUrlOnly {
    fn has(key: &Key) -> bool {
        key.path == "database.url"
    }
}

impl UsedKeys for DatabaseKeys {
    fn has(key: &Key) -> bool {
        key.section() == "database"
    }
}

impl UsedKeys for PublishingKeys {
    fn has(key: &Key) -> bool {
        let unused = ["kafka.group_id", "kafka.topic_alerts", "kafka.max_held", "kafka.max_held_age"];
        key.section() == "kafka" && !unused.contains(&key.path)
    }
}

impl UsedKeys for ConsumingKeys {
    fn has(key: &Key) -> bool {
        PublishingKeys::has(key) || key.path == "kafka.group_id"
    }
}

impl UsedKeys for ListeningKeys {
    fn has(key: &Key) -> bool {
        ["http.host", "http.port", "http.tls_certificate"].contains(&key.path)
    }
}

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

impl<U: UsedKeys> Args for SettingFlags<U> {
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
                    .hide(!U::has(flag.key))
                    .hide_short_help(U::MANY && flag.name != "roles"),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<U: UsedKeys> FromArgMatches for SettingFlags<U> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self(Flags::default(), PhantomData);
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
