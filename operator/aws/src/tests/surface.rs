//! No type of the SDK in what this crate gives out.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_file_with_public_items_does_not_name_the_sdk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root);
    let text = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let is_public = |text: &str| text.lines().any(|line| line.trim_start().starts_with("pub "));
    let (public, private): (Vec<_>, Vec<_>) = files
        .iter()
        .filter(|file| !file.starts_with(root.join("tests")))
        .partition(|file| is_public(&text(file)));
    assert!(public.len() >= 7 && private.len() >= 7, "{public:?} {private:?}");
    for file in public {
        let text = text(file);
        let names_sdk = ["aws_sdk_", "aws_config", "aws_credential", "aws_smithy", "aws_types"];
        let named = names_sdk.iter().find(|name| text.contains(*name));
        assert_eq!(named, None, "{} has public items", file.display());
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] }).collect()
}
