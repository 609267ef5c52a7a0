use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use actors::detect::{RuleParser, RuleSet};
use serde_json::Value;

use super::error::{InvalidRules, RulesFileError};
use super::read::{parse, parse_yaml, read, read_text};

/// Where the rules of a process are, in the order in which they are read. A rule may use the fences of earlier files.
#[derive(Clone, Debug, Default)]
pub struct RuleSources {
    /// The configuration file, of which the keys `rules` and `fences` are read.
    pub config: Option<PathBuf>,
    /// Files of rules, and folders with files of rules.
    pub files: Vec<PathBuf>,
    /// The file that `PUT /admin/rules` writes. It need not exist.
    pub edited: Option<PathBuf>,
}

/// Rules, or why they are refused, and everything that was read for them.
#[derive(Debug)]
pub struct LoadedRules {
    /// The rules.
    pub rules: Result<RuleSet, InvalidRules>,
    /// The files and folders, GeoJSON files included, whether they exist or not.
    pub files: BTreeSet<PathBuf>,
}

impl RuleSources {
    /// Reads the rules.
    pub fn load(&self) -> LoadedRules {
        self.load_with(None)
    }

    /// Returns the rules that would apply if the edited file had this text. GeoJSON files that it names must be below
    /// its folder.
    ///
    /// # Errors
    /// Returns the faults of all files.
    pub fn with_edited(&self, text: &str) -> Result<RuleSet, InvalidRules> {
        self.load_with(Some(text)).rules
    }

    fn load_with(&self, edited: Option<&str>) -> LoadedRules {
        let (mut documents, mut files, mut errors) = (Vec::new(), BTreeSet::new(), Vec::new());
        if let Some(config) = &self.config {
            documents.push((config.clone(), read_config(config)));
        }
        for path in self.expanded(&mut files, &mut errors) {
            let document = read(&path);
            documents.push((path, document));
        }
        if let Some(path) = &self.edited {
            let document = match edited {
                Some(text) => parse(path, text),
                None if path.exists() => read(path),
                None => Ok(Value::Null),
            };
            documents.push((path.clone(), document));
        }
        files.extend(documents.iter().map(|(path, _)| path.clone()));

        let (files, folder) = (RefCell::new(files), RefCell::new((PathBuf::new(), false)));
        let read_geojson = |name: &str| {
            let place = folder.borrow();
            let (folder, is_confined) = &*place;
            if *is_confined && !is_below(name) {
                return Err("the file must be below the folder of the rules".to_owned());
            }
            let path = folder.join(name);
            files.borrow_mut().insert(path.clone());
            read(&path)
        };
        let mut parser = RuleParser::new(&read_geojson);
        for (path, document) in documents {
            let is_confined = edited.is_some() && self.edited.as_ref() == Some(&path);
            folder.replace((path.parent().map(Path::to_owned).unwrap_or_default(), is_confined));
            let file = path.display().to_string();
            let refused = match document {
                Ok(document) => parser.add(&document).err().unwrap_or_default(),
                Err(reason) => {
                    errors.push(RulesFileError { file, reason });
                    continue;
                }
            };
            errors.extend(refused.iter().map(|error| RulesFileError { file: file.clone(), reason: error.to_string() }));
        }
        let rules = parser.finish();
        let rules = if errors.is_empty() { Ok(rules) } else { Err(InvalidRules(errors)) };
        LoadedRules { rules, files: files.into_inner() }
    }

    /// Returns the files, with those of a folder in place of it, by name.
    fn expanded(&self, files: &mut BTreeSet<PathBuf>, errors: &mut Vec<RulesFileError>) -> Vec<PathBuf> {
        let mut expanded = Vec::new();
        for path in &self.files {
            if !path.is_dir() {
                expanded.push(path.clone());
                continue;
            }
            // A file that is added or removed changes the folder.
            files.insert(path.clone());
            match files_in(path) {
                Ok(found) => expanded.extend(found),
                Err(error) => {
                    errors.push(RulesFileError { file: path.display().to_string(), reason: error.to_string() });
                }
            }
        }
        expanded
    }
}

fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_rules = path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)));
        if is_rules && !is_hidden && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the rules within a configuration file. Its other keys are none of this module's business.
fn read_config(path: &Path) -> Result<Value, String> {
    let text = read_text(path)?;
    if !text.contains("rules") && !text.contains("fences") {
        return Ok(Value::Null);
    }
    let Value::Object(mut sections) = parse_yaml(&text)? else { return Ok(Value::Null) };
    Ok(Value::Object(["fences", "rules"].into_iter().filter_map(|key| sections.remove_entry(key)).collect()))
}

fn is_below(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
