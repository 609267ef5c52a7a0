use std::io;

use console::Term;

/// Whom to ask for what the flags leave open.
pub trait Questioner {
    /// An answer, an empty one being the default; `None`: there is nobody to ask.
    ///
    /// # Errors
    /// When the terminal fails.
    fn ask(&mut self, question: &str, default: &str) -> io::Result<Option<String>>;

    /// An answer that does not appear on the screen; `None`: there is nobody to ask.
    ///
    /// # Errors
    /// When the terminal fails.
    fn ask_secret(&mut self, question: &str) -> io::Result<Option<String>>;

    /// Says why the last answer will not do.
    ///
    /// # Errors
    /// When the terminal fails.
    fn complain(&mut self, about: &str) -> io::Result<()>;
}

/// Somebody at a terminal.
pub struct Terminal(Term);

impl Terminal {
    /// The terminal at the standard error output.
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
        // Term::read_line is silent about the end of the input, which would make this an endless loop.
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

    fn complain(&mut self, about: &str) -> io::Result<()> {
        self.0.write_line(about)
    }
}

/// Nobody: what no flag gives takes its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTerminal;

impl Questioner for NoTerminal {
    fn ask(&mut self, _: &str, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn ask_secret(&mut self, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn complain(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
