use std::fs::File;
use std::sync::Arc;

use actors::ports::{BadRecord, Recorded};

use super::Records;
use crate::files::parquet::ParquetRows;

impl Records for ParquetRows<File> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        let Some(row) = self.next_row()? else { return Ok(false) };
        let record = into.next;
        into.next += 1;
        match row {
            Ok(state) => into.states.push((record, Arc::new(state))),
            Err(reason) => into.bad.push(BadRecord { record, reason: format!("row {}: {reason}", record + 1) }),
        }
        Ok(true)
    }
}
