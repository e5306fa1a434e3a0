//! One run of `up`: start everything, apply the folder whenever it changes, tell what becomes of it, end everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crds::App;
use kube::api::ListParams;
use kube::{Api, Client};
use router_config::Listen;
use tokio::time::{Instant, sleep_until};

use super::apply::{Applied, Applier};
use super::folder::Folder;
use super::inventory::Id;
use super::machine::Machine;
use super::manifests::Problem;
use super::readiness::{Readiness, State};
use super::say::{Event, Say};
use super::{Error, manifests};
use crate::args::UpArguments;
use crate::shutdown::Shutdown;

/// How long nothing happens before what does not get ready by itself is told: while objects are applied one after the other, some miss
/// what comes next.
const DOUBT: Duration = Duration::from_millis(500);

/// How long nothing happens before what is waited for is told.
const IMPATIENCE: Duration = Duration::from_secs(3);

/// Runs until the process is asked to end.
pub(super) async fn run(
    arguments: UpArguments,
    listen: Listen,
    shutdown: &mut Shutdown,
) -> Result<(), Error> {
    let say = Say::new(arguments.api.output);
    // What can be wrong with the folder is told before anything starts.
    let folder = match &arguments.manifests {
        Some(path) => {
            manifests::read(path)?;
            let watch = Folder::watch(path);
            Some(watch.map_err(|cause| Error::Watch { path: path.clone(), cause })?)
        }
        None => None,
    };
    let machine = Machine::start(&arguments, listen).await?;
    say.event(&machine.listening());
    let mut session = Session::new(&say, &machine, folder).await?;
    let outcome = session.follow(shutdown).await;
    drop(session);
    say.event(&Event::Stopping);
    let ended = machine.stop().await;
    say.event(&Event::Stopped);
    outcome.and(ended)
}

struct Session<'a> {
    say: &'a Say,
    machine: &'a Machine,
    client: Client,
    folder: Option<Folder>,
    applier: Applier,
    readiness: Readiness,
    /// What was applied last, with the generation that is to become ready.
    applied: BTreeMap<Id, i64>,
    /// Those of it that are not ready yet.
    waiting: BTreeSet<Id>,
    /// What was told of those that do not get ready, so that nothing is told twice.
    told: BTreeMap<Id, State>,
    is_told_ready: bool,
    /// What `ca.crt` holds.
    authority: Option<String>,
}

impl<'a> Session<'a> {
    async fn new(say: &'a Say, machine: &'a Machine, folder: Option<Folder>) -> Result<Self, Error> {
        let client = machine.client();
        Ok(Self {
            say,
            machine,
            folder,
            applier: Applier::new(client.clone()).await?,
            readiness: Readiness::watch(&client),
            client,
            applied: BTreeMap::new(),
            waiting: BTreeSet::new(),
            told: BTreeMap::new(),
            is_told_ready: false,
            authority: None,
        })
    }

    async fn follow(&mut self, shutdown: &mut Shutdown) -> Result<(), Error> {
        self.apply().await?;
        loop {
            self.tell_ready().await?;
            let (doubtful, impatient) = (Instant::now() + DOUBT, Instant::now() + IMPATIENCE);
            tokio::select! {
                biased;
                () = shutdown.asked() => return Ok(()),
                // Its end says why.
                () = self.machine.failed() => return Ok(()),
                () = changed(&mut self.folder) => self.apply().await?,
                id = self.readiness.changed() => {
                    self.write_authority();
                    self.tell(&id);
                }
                () = sleep_until(doubtful), if self.has_untold(State::is_stalled) => self.tell_all(State::is_stalled),
                () = sleep_until(impatient), if self.has_untold(|_| true) => self.tell_all(|_| true),
            }
        }
    }

    /// Applies the folder as it is now.
    async fn apply(&mut self) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let manifests = match manifests::read(folder.path()) {
            Ok(manifests) => manifests,
            // It was there when we started; until it is again, what was applied stays.
            Err(error) => {
                let message = error.to_string();
                self.say.event(&Event::Failed { object: String::new(), place: None, message });
                return Ok(());
            }
        };
        let Applied { objects, deleted, problems } = self.applier.apply(manifests).await?;
        let deleted = deleted.iter().map(ToString::to_string).collect();
        self.say.event(&Event::Applied { objects: objects.len(), deleted });
        // What could not be applied is not ready either; the next change of the folder may mend it.
        self.is_told_ready = !problems.is_empty();
        for Problem { place, object, message } in problems {
            self.say.event(&Event::Failed { object, place: Some(place), message });
        }
        self.applied = objects;
        self.told.clear();
        let is_unready = |(id, generation): &(&Id, &i64)| self.readiness.of(id, **generation) != State::Ready;
        self.waiting = self.applied.iter().filter(is_unready).map(|(id, _)| id.clone()).collect();
        Ok(())
    }

    /// Tells that an object has become ready, if it is one of those that are waited for.
    fn tell(&mut self, id: &Id) {
        if !self.applied.contains_key(id) {
            return;
        }
        if self.state(id) != State::Ready {
            self.waiting.insert(id.clone());
        } else if self.waiting.remove(id) {
            self.told.remove(id);
            self.say.event(&Event::Progress { object: id.to_string() });
        }
    }

    /// Whether something that is not ready has not been told as it is now.
    fn has_untold(&self, which: impl Fn(&State) -> bool) -> bool {
        self.untold(which).next().is_some()
    }

    fn untold(&self, which: impl Fn(&State) -> bool) -> impl Iterator<Item = (&Id, State)> {
        let states = self.waiting.iter().map(|id| (id, self.state(id)));
        states.filter(move |(id, state)| which(state) && self.told.get(*id) != Some(state))
    }

    fn tell_all(&mut self, which: impl Fn(&State) -> bool) {
        let untold: Vec<_> = self.untold(which).map(|(id, state)| (id.clone(), state)).collect();
        for (id, state) in untold {
            let object = id.to_string();
            match &state {
                State::Ready => {}
                State::Waiting(message) => {
                    self.say.event(&Event::Waiting { object, message: message.clone() });
                }
                State::Stalled { message, .. } => {
                    self.say.event(&Event::Failed { object, place: None, message: message.clone() });
                }
            }
            self.told.insert(id, state);
        }
    }

    fn state(&self, id: &Id) -> State {
        self.readiness.of(id, self.applied.get(id).copied().unwrap_or_default())
    }

    /// Tells, once after each change of the folder, that everything is ready.
    async fn tell_ready(&mut self) -> Result<(), Error> {
        if self.is_told_ready || !self.waiting.is_empty() {
            return Ok(());
        }
        self.is_told_ready = true;
        let ca = self.authority.is_some().then(|| self.authority_file());
        self.say.event(&Event::Ready { urls: self.urls().await?, ca });
        Ok(())
    }

    /// Where the Apps are served, with the ports of this machine.
    async fn urls(&self) -> Result<Vec<String>, Error> {
        let apps = Api::<App>::all(self.client.clone()).list(&ListParams::default()).await?;
        let urls = apps.into_iter().filter_map(|app| app.status?.url);
        Ok(urls.map(|url| self.machine.with_port(&url)).collect())
    }

    /// Writes the authority of the domains into the data folder when it is new, for `curl --cacert`.
    fn write_authority(&mut self) {
        let Some(authority) = self.readiness.authority() else { return };
        if self.authority.as_deref() != Some(authority)
            && std::fs::write(self.authority_file(), authority).is_ok()
        {
            self.authority = Some(authority.to_owned());
        }
    }

    fn authority_file(&self) -> PathBuf {
        self.machine.folder().join("ca.crt")
    }
}

async fn changed(folder: &mut Option<Folder>) {
    match folder {
        Some(folder) => folder.changed().await,
        None => std::future::pending().await,
    }
}
