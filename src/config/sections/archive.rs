use std::time::Duration;

use crate::archive::{ArchiveUrl, S3Endpoint};
use crate::config::section::section;
use crate::config::values::{days, secs};

section! {
    /// Parquet files by hour, written from Kafka by processes that have the role archive.
    pub struct ArchiveSettings in "archive" {
        /// A folder, or a bucket as s3://BUCKET/PREFIX. All archiving processes share it. Credentials and the region of
        /// a bucket are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and so on.
        url: Option<ArchiveUrl> = "";
        /// The address of an S3-compatible server, such as http://127.0.0.1:9000. Empty: Amazon S3.
        endpoint: Option<S3Endpoint> = "";
        /// How long a record may wait in memory before it is written. Longer delays make fewer and larger files; half
        /// a million records are written at once in any case.
        max_delay: Duration = "1h", secs(1)..=days(1);
    }
}
