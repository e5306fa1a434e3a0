//! At most ten updaters: the oldest are put together as `ancient-changes`.

use super::{Entry, Managed, Manager, Operation};

/// How many entries of updates an object keeps.
const MOST_UPDATERS: usize = 10;

/// The manager of the changes whose manager is forgotten.
const ANCIENT: &str = "ancient-changes";

impl Managed {
    /// Puts the oldest updaters together until there are few enough.
    pub(crate) fn cap_updaters(&mut self) {
        let updaters = self.entries.iter().filter(|(manager, _)| manager.operation == Operation::Update);
        let mut updaters: Vec<(Option<String>, Manager)> =
            updaters.map(|(manager, entry)| (entry.time.clone(), manager.clone())).collect();
        let excess = updaters.len().saturating_sub(MOST_UPDATERS);
        if excess == 0 {
            return;
        }
        updaters.sort();
        let mut oldest = updaters.into_iter().map(|(_, manager)| manager);
        let first = oldest.next();
        let oldest: Vec<Manager> = first.into_iter().chain(oldest.take(excess)).collect();
        self.put_together(&oldest);
    }

    fn put_together(&mut self, managers: &[Manager]) {
        let entries: Vec<Entry> =
            managers.iter().filter_map(|manager| self.entries.remove(manager)).collect();
        for entry in entries {
            let ancient = Manager::new(ANCIENT, Operation::Update, &entry.api_version, "");
            let all = self.entries.entry(ancient).or_insert_with(|| entry.clone());
            all.set = all.set.union(&entry.set);
            all.time = entry.time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::FieldSet;

    fn updater(number: usize) -> (Manager, Entry) {
        let field = format!("spec.f{number}");
        let entry = Entry {
            api_version: "v1".to_owned(),
            set: FieldSet::from([field.as_str()]),
            time: Some(format!("2026-01-{:02}T00:00:00Z", number + 1)),
        };
        (Manager::new(&format!("m{number}"), Operation::Update, "v1", ""), entry)
    }

    #[test]
    fn the_two_oldest_of_eleven_updaters_become_ancient_changes() {
        let mut managed = Managed { entries: (0..11).map(updater).collect() };
        managed.cap_updaters();
        assert_eq!(managed.entries.len(), 10);
        let ancient = &managed.entries[&Manager::new(ANCIENT, Operation::Update, "v1", "")];
        assert_eq!(ancient.set, FieldSet::from(["spec.f0", "spec.f1"]));
        assert_eq!(ancient.time.as_deref(), Some("2026-01-02T00:00:00Z"));

        managed.entries.extend([updater(11)]);
        managed.cap_updaters();
        let ancient = &managed.entries[&Manager::new(ANCIENT, Operation::Update, "v1", "")];
        assert_eq!(ancient.set, FieldSet::from(["spec.f0", "spec.f1", "spec.f2"]));
    }

    #[test]
    fn ten_updaters_and_any_number_of_appliers_stay() {
        let mut managed = Managed { entries: (0..10).map(updater).collect() };
        managed.entries.extend((0..5).map(|number| {
            let (mut manager, entry) = updater(number);
            manager.operation = Operation::Apply;
            (manager, entry)
        }));
        let before = managed.clone();
        managed.cap_updaters();
        assert_eq!(managed, before);
    }
}
