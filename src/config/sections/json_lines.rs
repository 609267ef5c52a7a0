use crate::config::section::section;
use crate::config::values::Directory;

section! {
    /// Files of JSON lines, written from Kafka in addition to the database by a process that has the role store.
    pub struct JsonLinesSettings in "json_lines" {
        /// The folder of the files: one for each UTC day, with every state vector as a line of JSON. A folder belongs to
        /// one process. Empty: no files are written.
        directory: Option<Directory> = "";
    }
}
