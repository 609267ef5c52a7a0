use std::collections::BTreeMap;

use serde_json::Value;

use super::RuleError;
use super::condition::FenceId;
use super::parse_fence::ReadFile;
use super::reader::Node;
use super::spec::RuleSpec;
use crate::detect::fence::Fence;

/// The maximum numbers of fences, and of conditions in all rules.
const MAX_FENCES: usize = 10_000;
const MAX_CONDITIONS: usize = 100_000;

/// Parses documents with rules. A rule may use the fences of its own document and of earlier ones.
pub struct RuleParser<'a> {
    pub(super) files: ReadFile<'a>,
    pub(super) fence_names: BTreeMap<String, u32>,
    pub(super) fences: Vec<Fence>,
    pub(super) rules: Vec<RuleSpec>,
    pub(super) has_emergencies: bool,
    conditions: usize,
}

impl<'a> RuleParser<'a> {
    /// Creates a parser. `files` reads the GeoJSON files that fences name.
    pub fn new(files: &'a dyn Fn(&str) -> Result<Value, String>) -> Self {
        Self {
            files,
            fence_names: BTreeMap::new(),
            fences: Vec::new(),
            rules: Vec::new(),
            has_emergencies: true,
            conditions: 0,
        }
    }

    pub(super) fn add_fence(&mut self, node: &Node<'_>, name: String, fence: Fence) -> Result<FenceId, RuleError> {
        if self.fences.len() >= MAX_FENCES {
            return Err(node.error(format!("more than {MAX_FENCES} fences")));
        }
        let index = u32::try_from(self.fences.len()).unwrap_or(u32::MAX);
        self.fences.push(fence);
        Ok(FenceId { index, name: name.into() })
    }

    pub(super) fn count(&mut self, node: &Node<'_>, conditions: usize) -> Result<(), RuleError> {
        self.conditions += conditions;
        if self.conditions > MAX_CONDITIONS {
            return Err(node.error(format!("more than {MAX_CONDITIONS} conditions in all rules")));
        }
        Ok(())
    }
}
