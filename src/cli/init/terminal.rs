use std::io;

use console::Term;

/// Asks for the settings that are not set by flags.
pub trait Questioner {
    /// Asks a question. Returns the answer, or the default if it is empty; `None` without a terminal.
    ///
    /// # Errors
    /// Returns an error if the terminal fails.
    fn ask(&mut self, question: &str, default: &str) -> io::Result<Option<String>>;

    /// Asks a question without echoing the answer. Returns `None` without a terminal.
    ///
    /// # Errors
    /// Returns an error if the terminal fails.
    fn ask_secret(&mut self, question: &str) -> io::Result<Option<String>>;

    /// Reports why the last answer is invalid.
    ///
    /// # Errors
    /// Returns an error if the terminal fails.
    fn show_error(&mut self, about: &str) -> io::Result<()>;
}

/// Asks a user at a terminal.
pub struct Terminal(Term);

impl Terminal {
    /// Uses the terminal at standard error.
    pub fn new() -> Self {
        Self(Term::stderr())
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Questioner for Terminal {
    fn ask(&mut self, question: &str, default: &str) -> io::Result<Option<String>> {
        let offered = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        self.0.write_str(&format!("{question}{offered}: "))?;
        // Term::read_line does not report the end of the input, which would lead to an endless loop.
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer = line.trim();
        Ok(Some(if answer.is_empty() { default.to_owned() } else { answer.to_owned() }))
    }

    fn ask_secret(&mut self, question: &str) -> io::Result<Option<String>> {
        self.0.write_str(&format!("{question}: "))?;
        self.0.read_secure_line().map(|line| Some(line.trim().to_owned()))
    }

    fn show_error(&mut self, about: &str) -> io::Result<()> {
        self.0.write_line(about)
    }
}

/// Used without a terminal: settings without a flag get their defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTerminal;

impl Questioner for NoTerminal {
    fn ask(&mut self, _: &str, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn ask_secret(&mut self, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn show_error(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
