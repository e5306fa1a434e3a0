//! What `kubectl logs` asks for: a Pod, one of its containers and a run of it; and the words for what there is not.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use crate::container::{Current, State};
use crate::logs::{LogOptions, LogStore, read};

/// Why there is no log to read. The message is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// It was asked for something that is not there, or not yet.
    #[error("{0}")]
    BadRequest(String),
    /// The kubelet does not have the Pod.
    #[error("{0}")]
    NotFound(String),
    /// The file cannot be read.
    #[error("{0}")]
    Internal(String),
}

impl LogError {
    /// As an HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::NotFound(_) => 404,
            Self::Internal(_) => 500,
        }
    }
}

/// The logs of the Pods of a kubelet.
#[derive(Clone, Debug)]
pub struct Logs {
    store: LogStore,
    pods: Arc<Mutex<HashMap<(String, String), Entry>>>,
}

/// What is known of a Pod.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) uid: String,
    /// Its containers, the init ones first.
    pub(crate) containers: Vec<(String, State)>,
    /// How many of them are init containers.
    pub(crate) init: usize,
}

impl Logs {
    pub(crate) fn new(store: LogStore) -> Self {
        Self { store, pods: Arc::default() }
    }

    pub(crate) fn put(&self, namespace: &str, pod: &str, entry: Entry) {
        self.lock().insert((namespace.to_owned(), pod.to_owned()), entry);
    }

    /// Forgets a Pod, unless there is another one of that name by now, and removes what it printed.
    pub(crate) fn remove(&self, namespace: &str, pod: &str, uid: &str) {
        let key = (namespace.to_owned(), pod.to_owned());
        let mut pods = self.lock();
        if pods.get(&key).is_some_and(|entry| entry.uid == uid) {
            pods.remove(&key);
        }
        drop(pods);
        self.store.remove(namespace, pod, uid);
    }

    /// The text of a container's log, as `kubectl logs` prints it.
    pub fn log(
        &self,
        namespace: &str,
        pod: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, LogError> {
        let entry = self.lock().get(&(namespace.to_owned(), pod.to_owned())).cloned();
        let entry = entry
            .ok_or_else(|| LogError::NotFound(format!("pod {pod:?} not found in namespace {namespace:?}")))?;
        let (name, state) = container(&entry, pod, options.container.as_deref())?;
        let Some(run) = run(name, pod, state, options.previous)? else {
            return Ok(stream::empty().boxed());
        };
        let path = self.store.container(namespace, pod, &entry.uid, name).join(format!("{run}.log"));
        read::read(&self.store, &path, options).map_err(|error| LogError::Internal(error.to_string()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Entry>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn container<'a>(
    entry: &'a Entry,
    pod: &str,
    wanted: Option<&str>,
) -> Result<(&'a str, &'a State), LogError> {
    let named = |(name, state): &'a (String, State)| (name.as_str(), state);
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        let found = entry.containers.iter().find(|(name, _)| name == wanted).map(named);
        return found
            .ok_or_else(|| LogError::BadRequest(format!("container {wanted} is not valid for pod {pod}")));
    }
    if let [one] = entry.containers.as_slice() {
        return Ok(named(one));
    }
    let (init, main) = entry.containers.split_at(entry.init);
    let names = |containers: &[(String, State)]| {
        containers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut message =
        format!("a container name must be specified for pod {pod}, choose one of: [{}]", names(main));
    if !init.is_empty() {
        message.push_str(&format!(" or one of the init containers: [{}]", names(init)));
    }
    Err(LogError::BadRequest(message))
}

/// Which run of it is wanted; none if it has no log.
fn run(container: &str, pod: &str, state: &State, previous: bool) -> Result<Option<u32>, LogError> {
    let last = state.last.as_ref().filter(|last| last.id.is_some()).map(|last| last.run);
    if previous {
        let message = format!("previous terminated container {container:?} in pod {pod:?} not found");
        return last.map(Some).ok_or(LogError::BadRequest(message));
    }
    match &state.current {
        Current::Running { run, .. } => Ok(Some(*run)),
        Current::Terminated(ended) => Ok(ended.id.as_ref().map(|_| ended.run).or(last)),
        Current::Waiting { .. } if last.is_some() => Ok(last),
        Current::Waiting { reason, .. } => Err(LogError::BadRequest(format!(
            "container {container:?} in pod {pod:?} is waiting to start: {reason}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::container::Terminated;

    fn entry(states: &[(&str, State)], init: usize) -> Entry {
        let containers = states.iter().map(|(name, state)| ((*name).to_owned(), state.clone())).collect();
        Entry { uid: "u".into(), containers, init }
    }

    fn first() -> State {
        State::first(None)
    }

    fn ended(run: u32) -> Terminated {
        Terminated::unseen(run, Some("process://1.1".into()), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_container_is_named_unless_it_is_the_only_one() {
        let one = entry(&[("web", first())], 0);
        assert_eq!(container(&one, "p", None).unwrap().0, "web");
        let error = container(&one, "p", Some("db")).unwrap_err();
        assert_eq!((error.status(), error.to_string()), (400, "container db is not valid for pod p".into()));
        let three = entry(&[("setup", first()), ("web", first()), ("log", first())], 1);
        let error = container(&three, "p", None).unwrap_err().to_string();
        let expected = "a container name must be specified for pod p, choose one of: [web log] \
                        or one of the init containers: [setup]";
        assert_eq!(error, expected);
    }

    #[test]
    fn the_run_is_the_current_one_or_the_one_before() {
        let id = "process://1.1".to_owned();
        let running =
            State { current: Current::Running { id, run: 2, since: Timestamp::UNIX_EPOCH }, ..first() };
        let again = State { last: Some(ended(1)), ..running.clone() };
        let waiting = State { last: Some(ended(1)), ..first() };
        assert_eq!(run("web", "p", &running, false), Ok(Some(2)));
        assert_eq!(run("web", "p", &again, true), Ok(Some(1)));
        assert_eq!(run("web", "p", &waiting, false), Ok(Some(1)));
    }

    #[test]
    fn what_is_not_there_is_said_as_kubernetes_says_it() {
        let message = |previous| run("web", "p", &first(), previous).unwrap_err().to_string();
        assert_eq!(message(false), "container \"web\" in pod \"p\" is waiting to start: ContainerCreating");
        assert_eq!(message(true), "previous terminated container \"web\" in pod \"p\" not found");
    }
}
