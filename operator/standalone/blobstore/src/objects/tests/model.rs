//! Any sequence of operations does what it would do to a map in memory, also over restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::medium::unreliable::Unreliable;
use super::super::{Error, Objects};
use crate::{Directory, Name};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<String>)>;

#[derive(Debug, Clone)]
enum Operation {
    Put(Name, Vec<u8>, Option<String>),
    /// At the right offset, or so far beside it.
    Append(Name, u64, Vec<u8>),
    Copy(Name, Name),
    Delete(Name),
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (name(), content(), prop::option::of("[a-z]{1,3}/[a-z]")).prop_map(|(name, content, media_type)| {
            Operation::Put(name, content, media_type)
        }),
        3 => (name(), prop_oneof![5 => Just(0), 1 => 1_u64..3], content())
            .prop_map(|(name, beside, content)| Operation::Append(name, beside, content)),
        2 => (name(), name()).prop_map(|(from, to)| Operation::Copy(from, to)),
        2 => name().prop_map(Operation::Delete),
        1 => Just(Operation::Restart),
    ]
}

/// Few steps, some of which are like the others but for a byte that means something in a pattern.
fn name() -> impl Strategy<Value = Name> {
    let step = prop::sample::select(vec![&b"a"[..], b"a.b", b"axb", b"a%", b"\xff"]);
    prop::collection::vec(step, 1..4).prop_map(|steps| Name::new(steps.join(&b'/')).unwrap())
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

proptest! {
    #[test]
    fn objects_are_what_a_map_in_memory_would_be(operations in prop::collection::vec(operation(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut objects = open(folder.path());
        let mut model = Model::new();
        for operation in operations {
            if matches!(operation, Operation::Restart) {
                drop(objects);
                objects = open(folder.path());
            }
            let (done, expected) = (perform(&objects, &operation), model.perform(&operation));
            prop_assert_eq!(done.map_err(|error| error.to_string()), expected, "{:?}", operation);
            compare(&objects, &model)?;
        }
    }
}

fn open(folder: &Path) -> Objects {
    Objects::open_on(folder, Arc::new(Unreliable::default())).unwrap()
}

fn perform(objects: &Objects, operation: &Operation) -> Result<(), Error> {
    let staged = |content: &[u8]| {
        let mut staged = objects.stage()?;
        staged.write(content).map(|()| staged)
    };
    match operation {
        Operation::Put(name, content, media_type) => objects.put(name, media_type.clone(), staged(content)?),
        Operation::Append(name, beside, content) => {
            let size = objects.read(name)?.map_or(0, |content| content.record().size);
            objects.append(name, size + beside, &staged(content)?)
        }
        Operation::Copy(from, to) => objects.copy(from, to),
        Operation::Delete(name) => objects.delete(name),
        Operation::Restart => Ok(()),
    }
}

trait Perform {
    fn perform(&mut self, operation: &Operation) -> Result<(), String>;
}

impl Perform for Model {
    fn perform(&mut self, operation: &Operation) -> Result<(), String> {
        let missing = |name: &Name| Error::Missing(name.clone()).to_string();
        match operation {
            Operation::Put(name, content, media_type) => {
                self.insert(name.as_bytes().to_vec(), (content.clone(), media_type.clone()));
            }
            Operation::Append(name, beside, content) => {
                let object = self.get_mut(name.as_bytes()).ok_or_else(|| missing(name))?;
                if *beside > 0 {
                    return Err(Error::Offset { size: object.0.len() as u64 }.to_string());
                }
                object.0.extend(content);
            }
            Operation::Copy(from, to) => {
                let object = self.get(from.as_bytes()).cloned().ok_or_else(|| missing(from))?;
                if self.contains_key(to.as_bytes()) {
                    return Err(Error::Exists(to.clone()).to_string());
                }
                self.insert(to.as_bytes().to_vec(), object);
            }
            Operation::Delete(name) => {
                let below = name.directory();
                self.retain(|other, _| other != name.as_bytes() && !other.starts_with(below.as_bytes()));
            }
            Operation::Restart => {}
        }
        Ok(())
    }
}

/// Every object and every directory.
fn compare(objects: &Objects, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(objects.count(), model.len());
    let mut directories = BTreeSet::from([b"/".to_vec(), b"/a.b/".to_vec()]);
    for (name, (bytes, media_type)) in model {
        let content = objects.read(&Name::new(name).unwrap()).unwrap().expect("the model has it");
        let read: Vec<u8> = content.pieces().flat_map(|piece| piece.unwrap().1).collect();
        prop_assert_eq!((&read, &content.record().media_type), (bytes, media_type));
        let slashes = (0..name.len()).filter(|at| name[*at] == b'/');
        directories.extend(slashes.map(|at| name[..=at].to_vec()));
    }
    for directory in directories {
        prop_assert_eq!(objects.list(&Directory::new(&directory)), list(model, &directory));
    }
    Ok(())
}

/// The list as it is described: of all names in the directory, up to the first slash below it.
fn list(model: &Model, directory: &[u8]) -> Vec<Vec<u8>> {
    let below = model.keys().filter(|name| name.starts_with(directory));
    let cut = |name: &Vec<u8>| {
        let slash = name.iter().skip(directory.len()).position(|byte| *byte == b'/');
        slash.map_or(&name[..], |slash| &name[..=directory.len() + slash]).to_vec()
    };
    below.map(cut).collect::<BTreeSet<_>>().into_iter().collect()
}
