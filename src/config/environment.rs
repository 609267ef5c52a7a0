use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::diagnostics::ConfigProblem;
use super::layer::Layer;
use super::names;
use crate::proxy::{InvalidProxy, Proxies};

/// The environment variables. `Debug` shows only their names.
#[derive(Clone, Default)]
pub struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// Returns the environment of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// Creates an environment with only these variables.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// Returns the proxies for outgoing requests.
    pub(super) fn proxies(&self) -> Result<Proxies, InvalidProxy> {
        Proxies::read(|name| self.text(name))
    }

    /// Returns the PEM file of certificate authorities that are trusted in addition to the public ones
    /// (`SSL_CERT_FILE`, as for OpenSSL).
    pub(super) fn authorities(&self) -> Option<PathBuf> {
        self.text("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str())
    }

    /// Reads our variables. A variable that is empty or only white space counts as unset, because container setups
    /// often pass on variables without a value.
    pub(super) fn read(&self) -> Layer {
        let mut layer = Layer::default();
        let mut variables: Vec<_> = self.0.iter().filter(|(_, value)| !is_blank(value)).collect();
        variables.sort();
        for (variable, value) in variables {
            let origin = format!("environment variable {variable}");
            let Some(name) = names::find_variable(variable) else {
                let near = names::nearest_variable(variable);
                let warning = near.map(|meant| format!("{origin} is ignored; did you mean {meant}?"));
                layer.diagnostics.warnings.extend(warning);
                continue;
            };
            match value.to_str() {
                None => {
                    let reason = "invalid UTF-8".to_owned();
                    layer.diagnostics.problems.push(ConfigProblem::File { path: origin, reason });
                }
                // Kubernetes sets such a variable if a service has the same name as one of our sections.
                Some(text) if text.starts_with("tcp://") && variable.ends_with("_PORT") => {
                    let warning = format!("{origin} is ignored: it contains the address of a service, not a port");
                    layer.diagnostics.warnings.push(warning);
                }
                Some(text) => name.set(&mut layer, text, &origin),
            }
        }
        layer
    }
}

fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
