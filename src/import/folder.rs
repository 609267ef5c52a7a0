use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Files without extension or with any, in any case, that come with data.
const COMPANIONS: [&str; 5] = ["readme", "license", "licence", "copying", "notice"];

/// Folders of readsb's history that have no traces.
const OTHER_FOLDERS: [&str; 2] = ["heatmap", "acas"];

/// Whether a file only accompanies data: a readme, a licence, a hidden file, or one of readsb's other folders.
pub(super) fn is_companion(path: &Path) -> bool {
    let mut names = path.iter().filter_map(|name| name.to_str()).filter(|name| *name != "." && *name != "..");
    let Some(file) = names.next_back() else { return false };
    let stem = file.split('.').next().unwrap_or_default();
    file.starts_with('.')
        || COMPANIONS.iter().any(|companion| companion.eq_ignore_ascii_case(stem))
        || names.any(|folder| folder.starts_with('.') || OTHER_FOLDERS.contains(&folder))
}

/// Returns the files to import: the paths themselves, and for a folder all files in it and its subfolders, sorted by
/// name.
///
/// # Errors
/// Returns an error if a folder cannot be read, or has no files to import.
pub fn files_in(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        // Whether any other path can be opened is found out when it is imported.
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        add_files(path, Path::new(""), &mut files)?;
        anyhow::ensure!(files.len() > before, "{}: the folder has no files to import", path.display());
    }
    Ok(files)
}

fn add_files(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let folder = root.join(below);
    let entries = fs::read_dir(&folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = entries.with_context(|| folder.display().to_string())?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        if is_companion(&path) {
            continue;
        }
        // A link to a folder is not followed, since it may lead back here.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_files(root, &path, files)?;
        } else if root.join(&path).is_file() {
            files.push(root.join(&path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_told_by_their_names() {
        for path in ["README.txt", "a/LICENSE", "./heatmap/00.bin.ttf", "acas/acas.csv.gz", ".git/config", "a/._b.csv"]
        {
            assert!(is_companion(path.as_ref()), "{path}");
        }
        for path in ["states_2022-06-27-00.csv.gz", "./traces/ff/trace_full_abcdff.json", "../a.csv", "acas.csv", "/"] {
            assert!(!is_companion(path.as_ref()), "{path}");
        }
    }

    #[test]
    fn the_files_of_a_folder_are_found_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b/2.csv", "b/1.csv", "a.csv", "README", ".hidden/c.csv"] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("a.csv"), root.join("c.csv")).unwrap();
        let files = files_in(&["x.csv".into(), root.to_owned()]).unwrap();
        let expected = ["a.csv", "b/1.csv", "b/2.csv", "c.csv"].map(|name| root.join(name));
        assert_eq!(files[0], Path::new("x.csv"));
        assert_eq!(files[1..], expected);
        let error = files_in(&[root.join(".hidden/..").join("empty")]).unwrap();
        assert_eq!(error.len(), 1);
        fs::create_dir(root.join("empty")).unwrap();
        assert!(files_in(&[root.join("empty")]).unwrap_err().to_string().contains("no files to import"));
    }
}
