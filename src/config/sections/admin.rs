use std::path::Path;

use crate::config::section::section;
use crate::config::values::{AdminToken, AdminTokenError, LoadedToken};

section! {
    /// The endpoints for administrators.
    pub struct AdminSettings in "admin" {
        /// The bearer token of /admin, of at least 16 characters. Empty: one is generated and kept in data/admin.token.
        token: Option<AdminToken> = "";
    }
}

impl AdminSettings {
    /// Returns the configured token, or else the one in the file, which is generated at the first start.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or created, or does not contain a valid token.
    pub fn token_or_generated(&self, file: &Path) -> Result<LoadedToken, AdminTokenError> {
        match &self.token {
            Some(token) => Ok(LoadedToken { token: token.clone(), warning: None }),
            None => AdminToken::load_or_generate(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Settings;
    use crate::config::value::SettingValue;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_generated_once_and_readable_only_by_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data/admin.token");
        let settings = Settings::defaults().admin;
        let first = settings.token_or_generated(&file).unwrap();
        assert_eq!(first.token.expose().len(), 64);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        let second = settings.token_or_generated(&file).unwrap();
        assert_eq!(second.token.expose(), first.token.expose());
        assert_eq!(second.warning, None);
        let elsewhere = settings.token_or_generated(&directory.path().join("other")).unwrap();
        assert_ne!(elsewhere.token.expose(), first.token.expose());
    }

    #[test]
    fn wider_permissions_are_tightened_with_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        fs::write(&file, "0123456789abcdef\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let token = Settings::defaults().admin.token_or_generated(&file).unwrap();
        assert_eq!(token.token.expose(), "0123456789abcdef");
        assert!(token.warning.unwrap().contains("644"));
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn a_given_token_leaves_the_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        let mut given = Settings::defaults().admin;
        given.token = Some(AdminToken::parse("given-0123456789", &()).unwrap());
        assert_eq!(given.token_or_generated(&file).unwrap().token.expose(), "given-0123456789");
        assert!(!file.exists());
    }

    #[test]
    fn a_file_without_a_token_is_an_error_that_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        let settings = Settings::defaults().admin;
        for text in ["", "short", "0123456789 abcdef"] {
            fs::write(&file, text).unwrap();
            let error = settings.token_or_generated(&file).unwrap_err().to_string();
            assert!(error.contains("remove the file"), "{error}");
        }
        let error = settings.token_or_generated(directory.path()).unwrap_err().to_string();
        assert!(error.contains("set admin.token"), "{error}");
    }
}
