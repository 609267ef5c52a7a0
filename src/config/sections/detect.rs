use crate::config::section::section;
use crate::config::values::{EditedRulesFile, RulesFiles};

section! {
    /// Rules that raise alerts, in addition to those below rules: in this file.
    pub struct DetectSettings in "detect" {
        /// Files of rules, YAML or JSON, and folders with such files, in order. They are read again when they change.
        rules_files: RulesFiles = "";
        /// The file that PUT /admin/rules writes, for the page's editor. It is read after the others, and need not
        /// exist. Empty: rules cannot be edited through the server.
        edited_rules: Option<EditedRulesFile> = "";
    }
}
