use std::marker::PhantomData;
use std::sync::LazyLock;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::config::{
    ArchiveSettings, DatabaseSettings, DetectSettings, EnrichmentSettings, Flags, HttpSettings, KafkaSettings,
    OpenSkySettings, Setting, Shape, settings,
};

/// The flags for settings: one for every setting that is not a secret. Every command accepts all of them, so that a
/// deployment can use the same flags everywhere; the help of a command shows only those that it uses.
#[derive(Clone, Debug, Default)]
pub struct SettingFlags<U = EverySetting>(pub Flags, PhantomData<fn() -> U>);

/// The settings that a command uses.
pub trait UsedSettings {
    /// Whether the short help omits the settings, because the command uses many.
    const MANY: bool = false;

    /// Returns whether the command uses the setting.
    fn contains(setting: &Setting) -> bool;
}

/// The settings of a server.
#[derive(Clone, Debug, Default)]
pub struct EverySetting;

impl UsedSettings for EverySetting {
    const MANY: bool = true;

    fn contains(_: &Setting) -> bool {
        true
    }
}

macro_rules! used_settings {
    ($($(#[$docs:meta])+ $name:ident: $contains:expr;)+) => {$(
        $(#[$docs])+
        #[derive(Clone, Debug, Default)]
        pub struct $name;

        impl UsedSettings for $name {
            fn contains(setting: &Setting) -> bool {
                let contains: fn(&Setting) -> bool = $contains;
                contains(setting)
            }
        }
    )+};
}

used_settings! {
    /// The settings of a command that reads the database, and adds what is known about aircraft.
    HistoryKeys: |setting| [DatabaseSettings::url, EnrichmentSettings::aircraft_table].contains(&setting);
    /// The settings of a command that writes to the database.
    DatabaseKeys: |setting| setting.section() == DatabaseSettings::url.section();
    /// The settings of a command that publishes to Kafka.
    PublishingKeys: |setting| {
        let unused = [
            KafkaSettings::group_id,
            KafkaSettings::topic_alerts,
            KafkaSettings::topic_polls,
            KafkaSettings::topic_latest,
            KafkaSettings::topic_enriched,
            KafkaSettings::max_held,
            KafkaSettings::max_held_age,
        ];
        setting.section() == KafkaSettings::group_id.section() && !unused.contains(&setting)
    };
    /// The settings of a command that also reads Kafka as a consumer group.
    ConsumingKeys: |setting| PublishingKeys::contains(setting) || setting == KafkaSettings::group_id;
    /// The settings of a command on the archive.
    ArchiveKeys: |setting| setting.section() == ArchiveSettings::url.section();
    /// The settings of a command that applies rules to the database.
    RuleKeys: |setting| {
        [
            DatabaseSettings::url,
            EnrichmentSettings::aircraft_table,
            DetectSettings::rules_files,
            DetectSettings::edited_rules,
        ]
        .contains(&setting)
    };
    /// The settings that determine where the server listens.
    ListeningKeys: |setting| {
        [HttpSettings::host, HttpSettings::port, HttpSettings::tls_certificate].contains(&setting)
    };
    /// The settings of a first deployment.
    InitialKeys: |setting| {
        [
            OpenSkySettings::client_id,
            OpenSkySettings::bounding_box,
            KafkaSettings::bootstrap_servers,
            DatabaseSettings::url,
        ]
        .contains(&setting)
    };
}

struct SettingFlag {
    setting: &'static Setting,
    name: String,
    heading: String,
    help: String,
}

static FLAGS: LazyLock<Vec<SettingFlag>> = LazyLock::new(|| {
    let flag = |setting: &'static Setting| {
        let default =
            if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
        Some(SettingFlag {
            setting,
            name: setting.flag()?,
            heading: format!("Settings: {}", setting.section()),
            help: format!("{}{default} [env: {}]", setting.docs, setting.variable()),
        })
    };
    settings().filter_map(flag).collect()
});

impl<U: UsedSettings> Args for SettingFlags<U> {
    fn augment_args(command: clap::Command) -> clap::Command {
        FLAGS.iter().fold(command, |command, flag| {
            command.arg(
                Arg::new(flag.name.as_str())
                    .long(flag.name.as_str())
                    .help(flag.help.as_str())
                    .help_heading(flag.heading.as_str())
                    .value_name(flag.setting.placeholder)
                    .action(ArgAction::Set)
                    // A southern latitude starts with a minus sign.
                    .allow_hyphen_values(flag.setting.shape == Shape::Numbers)
                    .hide(!U::contains(flag.setting))
                    .hide_short_help(U::MANY && flag.name != "roles"),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<U: UsedSettings> FromArgMatches for SettingFlags<U> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self(Flags::default(), PhantomData);
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for flag in FLAGS.iter() {
            if let Some(text) = matches.get_one::<String>(&flag.name) {
                self.0.set(flag.setting, text);
            }
        }
        Ok(())
    }
}
