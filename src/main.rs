//! The flight monitor.

use std::io::{self, IsTerminal};

use flight_monitor::app::commands;
use flight_monitor::cli::health::{self, Unhealthy};
use flight_monitor::cli::{self, Command, ExitStatus, Invocation, RulesCommand, check_config, init, rules};
use flight_monitor::config::Environment;
use flight_monitor::logging;
use log::error;

/// Uses jemalloc for the whole process, including librdkafka and SQLite.
///
/// With glibc's allocator, the resident memory of an idle embedded server grew without limit, in arenas that are never
/// returned to the system. The settings of jemalloc are in `.cargo/config.toml`. See "Memory" in docs/benchmarks.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let status = match cli::parse(std::env::args_os()) {
        Ok(invocation) => {
            logging::init();
            #[cfg(feature = "fault-injection")]
            let _failpoints = fail::FailScenario::setup();
            run(&invocation)
        }
        Err(status) => status,
    };
    // All work is done. Exits without waiting for library threads, which may still be waiting for a broker.
    #[expect(clippy::disallowed_methods, reason = "the shutdown is complete")]
    std::process::exit(status.code().into())
}

fn run(Invocation { config, command }: &Invocation) -> ExitStatus {
    let config = config.as_deref();
    match command {
        Command::CheckConfig(args) => {
            let checked = check_config::run(args, config, &Environment::of_process(), io::stdout(), io::stderr());
            // Fails only if the output is a closed pipe.
            match checked.unwrap_or(ExitStatus::Failed) {
                ExitStatus::Done if args.probe => commands::probe(args, config),
                status => status,
            }
        }
        // Fails only if the output is a closed pipe.
        Command::Rules(args) => match &args.command {
            RulesCommand::Check(args) => rules::check(args, io::stdout(), io::stderr()).unwrap_or(ExitStatus::Failed),
            RulesCommand::Test(args) => commands::test_rules(args, config),
        },
        Command::Init(args) => match run_init(args, config) {
            Ok(()) => ExitStatus::Done,
            Err(error) => {
                error!("{error}");
                error.status()
            }
        },
        Command::Health(args) => match health::run(args, config, &Environment::of_process()) {
            Ok(()) => ExitStatus::Done,
            Err(error) => {
                match error {
                    Unhealthy::Config(error) => commands::log_problems(&error),
                    error => error!("{error}"),
                }
                ExitStatus::Failed
            }
        },
        Command::Serve(args) => commands::serve(args, config),
        Command::Simulate(args) => commands::simulate(args),
        Command::Migrate(args) => commands::migrate(args, config),
        Command::Import(args) => commands::import(args, config),
        Command::Replay(args) => commands::replay(args, config),
        Command::Export(args) => commands::export(args, config),
        Command::Archive(args) => commands::archive(args, config),
        Command::DeadLetters(args) => commands::dead_letters(args, config),
    }
}

fn run_init(args: &init::InitArgs, config: Option<&std::path::Path>) -> Result<(), init::InitError> {
    let stdin = &mut io::stdin();
    let written = if stdin.is_terminal() {
        init::run(args, config, &mut init::Terminal::new(), stdin)?
    } else {
        init::run(args, config, &mut init::NoTerminal, stdin)?
    };
    init::print_next_steps(&written, &mut io::stdout())
}
