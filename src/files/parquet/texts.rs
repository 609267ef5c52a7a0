use std::collections::HashMap;

use compact_str::CompactString;
use foldhash::fast::RandomState;
use parquet::data_type::ByteArray;

/// A column of texts, each stored once and referred to by its index.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// For each row, the index of its text, or [`UNKNOWN`].
    rows: Vec<u32>,
    distinct: HashMap<CompactString, u32, RandomState>,
    /// The heap use of long texts.
    heap: usize,
}

const UNKNOWN: u32 = u32::MAX;

impl Texts {
    pub(super) fn push(&mut self, text: Option<&str>) {
        let index = text.map_or(UNKNOWN, |text| self.index(text));
        push(&mut self.rows, index);
    }

    fn index(&mut self, text: &str) -> u32 {
        if let Some(index) = self.distinct.get(text) {
            return *index;
        }
        // There are no more texts than rows, which are indexed by 32-bit integers, too.
        let index = self.distinct.len() as u32;
        let text = CompactString::from(text);
        self.heap += if text.is_heap_allocated() { text.capacity() } else { 0 };
        self.distinct.insert(text, index);
        index
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.distinct.clear();
        self.heap = 0;
    }

    pub(super) fn bytes(&self) -> usize {
        let entry = size_of::<(CompactString, u32)>() + 1;
        self.rows.capacity() * size_of::<u32>() + self.distinct.capacity() * entry + self.heap
    }

    /// Returns the text of each row.
    pub(super) fn by_row(&self) -> impl Fn(usize) -> Option<ByteArray> {
        let mut texts = vec![ByteArray::new(); self.distinct.len()];
        for (text, index) in &self.distinct {
            texts[*index as usize] = ByteArray::from(text.as_str());
        }
        move |row| texts.get(self.rows[row] as usize).cloned()
    }
}

/// Appends a value. The capacity grows by a quarter instead of doubling, since buffers are limited by their memory.
pub(super) fn push<T>(values: &mut Vec<T>, value: T) {
    if values.len() == values.capacity() {
        values.reserve_exact((values.len() / 4).max(256));
    }
    values.push(value);
}
