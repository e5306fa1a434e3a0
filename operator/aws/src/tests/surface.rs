//! No type of the SDK in what this crate gives out, and no call under a name that plans do not know.

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

/// What a plan calls its calls is what they are counted and refused as: the policy that is printed names them so.
#[test]
fn every_call_of_a_plan_is_made_under_its_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = rust_files(&root.join("src"));
    files.retain(|file| !file.starts_with(root.join("src/tests")));
    let made: Vec<String> = files.iter().flat_map(|file| quoted_calls(file)).collect();
    let words = ["storage/call.rs", "network/call.rs", "call.rs"];
    let planned = words.map(|file| quoted_calls(&root.join("../plan/src/aws").join(file))).concat();
    assert!(planned.len() > 35, "{planned:?}");
    let missing: Vec<_> = planned.iter().filter(|call| !made.contains(call)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The calls of AWS that a file writes between quotes.
fn quoted_calls(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let quoted = text.split('"').skip(1).step_by(2);
    let of_aws =
        |call: &&str| ["ec2:", "iam:", "route53:", "s3:"].iter().any(|service| call.starts_with(service));
    quoted.filter(of_aws).map(str::to_owned).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] }).collect()
}
