//! One client that writes: its objects in turn, each created, updated twice and deleted, for ever. What was acknowledged
//! goes to a channel; the first broken connection ends it.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use kube::api::{DeleteParams, PostParams};
use kube::{Client, Error};
use tokio::sync::mpsc::UnboundedSender;

use super::object::{Kind, Stored, version};

/// Each writer's objects.
const OBJECTS: u64 = 5;

/// Where a writer stands.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    writer: usize,
    /// How many of its writes are known to have been made.
    pub(super) made: u64,
    /// Of its objects.
    versions: BTreeMap<String, u64>,
}

/// A write that the API has answered.
#[derive(Debug)]
pub(super) struct Acknowledged {
    /// Whose.
    pub(super) writer: usize,
    /// Of the write.
    pub(super) number: u64,
    /// Of the object.
    pub(super) kind: Kind,
    /// Of the object.
    pub(super) name: String,
    /// The answer's; a deletion has none.
    pub(super) version: Option<u64>,
}

impl Plan {
    /// A writer's, at the beginning.
    pub(super) fn of(writer: usize) -> Self {
        Self { writer, made: 0, versions: BTreeMap::new() }
    }

    /// Finds out whether the write that was under way was made: what is stored is before it or after it, or it is wrong.
    pub(super) fn settle(&mut self, stored: &BTreeMap<String, Stored>) -> Result<()> {
        let own = format!("writer-{}-", self.writer);
        let own: BTreeMap<_, _> = stored.iter().filter(|(name, _)| name.starts_with(&own)).collect();
        let found = own.iter().map(|(name, stored)| ((*name).clone(), stored.number)).collect();
        let Some(made) = (self.made..=self.made + 1).find(|made| self.state(*made) == found) else {
            bail!("writer {} has made {}, but there is {own:?}", self.writer, self.made);
        };
        self.made = made;
        self.versions = own.into_iter().map(|(name, stored)| (name.clone(), stored.version)).collect();
        Ok(())
    }

    /// The number of the last write of each object that is there after so many writes.
    fn state(&self, made: u64) -> BTreeMap<String, u64> {
        // Whatever came before the last round of the objects was replaced since.
        let last = (made.saturating_sub(OBJECTS)..made).filter(|number| !is_deletion(*number));
        last.map(|number| (self.name(number), number)).collect()
    }

    fn name(&self, number: u64) -> String {
        format!("writer-{}-object-{}", self.writer, number % OBJECTS)
    }

    /// Makes the write of that number.
    async fn step(&mut self, client: &Client, number: u64) -> Result<Option<u64>, Error> {
        let (name, kind) = (self.name(number), kind(number));
        let api = kind.api(client);
        if is_deletion(number) {
            api.delete(&name, &DeleteParams::default()).await?;
            self.versions.remove(&name);
            return Ok(None);
        }
        let mut object = kind.object(&name, number);
        let written = match self.versions.get(&name) {
            None => api.create(&PostParams::default(), &object).await?,
            Some(version) => {
                object.metadata.resource_version = Some(version.to_string());
                api.replace(&name, &PostParams::default(), &object).await?
            }
        };
        let version = version(&written).map_err(|error| Error::Service(error.into()))?;
        self.versions.insert(name, version);
        Ok(Some(version))
    }
}

/// Writes until the API is killed, at most so many times.
pub(super) async fn write(
    client: Client,
    mut plan: Plan,
    quota: usize,
    acknowledged: UnboundedSender<Acknowledged>,
) -> Result<()> {
    for number in (plan.made..).take(quota) {
        let version = match plan.step(&client, number).await {
            Ok(version) => version,
            Err(Error::Api(refusal)) => bail!("write {number} of {plan:?}: {refusal}"),
            // It was killed: whether this write was stored is open.
            Err(_) => return Ok(()),
        };
        let (writer, name, kind) = (plan.writer, plan.name(number), kind(number));
        let sent = acknowledged.send(Acknowledged { writer, number, kind, name, version });
        ensure!(sent.is_ok(), "the round ended before its writers");
    }
    Ok(())
}

fn kind(number: u64) -> Kind {
    if (number % OBJECTS).is_multiple_of(2) { Kind::ConfigMap } else { Kind::Route }
}

fn is_deletion(number: u64) -> bool {
    number / OBJECTS % 4 == 3
}
