//! Conflicts of an apply, as kubectl shows them.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

use crate::fields::{FieldSet, Path};
use crate::managed::{Manager, Operation};

/// Another manager wants another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    manager: Manager,
    path: Path,
}

/// All the conflicts of an apply; the text is the `message` of the API's Status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts(pub Vec<Conflict>);

impl Conflict {
    pub(crate) fn new(manager: &Manager, path: Path) -> Self {
        Self { manager: manager.clone(), path }
    }

    /// The field, such as `.spec.replicas`.
    #[must_use]
    pub fn field(&self) -> String {
        self.path.to_string()
    }

    /// The text of the cause.
    #[must_use]
    pub fn message(&self) -> String {
        format!("conflict with {}", name(&self.manager))
    }

    /// The `StatusCause`, for `details.causes`.
    #[must_use]
    pub fn cause(&self) -> Value {
        json!({"reason": "FieldManagerConflict", "message": self.message(), "field": self.field()})
    }
}

impl Conflicts {
    /// The `StatusCause`s, for `details.causes`.
    #[must_use]
    pub fn causes(&self) -> Vec<Value> {
        self.0.iter().map(Conflict::cause).collect()
    }

    pub(crate) fn without(self, set: &FieldSet) -> Self {
        Self(self.0.into_iter().filter(|conflict| !set.contains(&conflict.path)).collect())
    }
}

impl std::error::Error for Conflicts {}

impl Display for Conflicts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let [only] = &self.0[..] {
            return write!(f, "Apply failed with 1 conflict: {}: {}", only.message(), only.path);
        }
        let mut by_manager: BTreeMap<&Manager, Vec<&Path>> = BTreeMap::new();
        for conflict in &self.0 {
            by_manager.entry(&conflict.manager).or_default().push(&conflict.path);
        }
        let lines = by_manager.into_iter().flat_map(|(manager, paths)| {
            let head = format!("conflicts with {}:", name(manager));
            std::iter::once(head).chain(paths.into_iter().map(|path| format!("- {path}")))
        });
        let lines: Vec<String> = lines.collect();
        write!(f, "Apply failed with {} conflicts: {}", self.0.len(), lines.join("\n"))
    }
}

fn name(manager: &Manager) -> String {
    let mut name = format!("{:?}", manager.name);
    if !manager.subresource.is_empty() {
        name += &format!(" with subresource {:?}", manager.subresource);
    }
    if manager.operation == Operation::Update {
        name += &format!(" using {}", manager.version.as_deref().unwrap_or_default());
    }
    name
}
