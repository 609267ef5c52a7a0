use std::sync::Arc;

use actors::ports::SinkError;

use super::local::LocalFolder;
use super::objects::Objects;
use super::remote;
use super::url::{ArchiveUrl, S3Endpoint};

/// Opens the storage of an archive. A folder is created on first use.
///
/// # Errors
/// Returns an error if the environment has invalid settings for S3, or the server lacks what the archive needs.
pub(crate) async fn open(url: &ArchiveUrl, endpoint: Option<&S3Endpoint>) -> Result<Arc<dyn Objects>, SinkError> {
    match url {
        ArchiveUrl::Folder(folder) => Ok(Arc::new(LocalFolder::new(folder.clone()))),
        ArchiveUrl::S3 { bucket, prefix } => Ok(Arc::new(remote::open_s3(bucket, prefix, endpoint).await?)),
    }
}
