use std::sync::Mutex;

use futures::FutureExt;
use k8s_openapi::api::core::v1::Service;

use super::*;

fn service(name: &str, version: &str) -> Service {
    let mut service = Service::default();
    service.metadata.namespace = Some("a".into());
    service.metadata.name = Some(name.into());
    service.metadata.uid = Some(format!("uid-{name}"));
    service.metadata.resource_version = Some(version.into());
    service
}

fn list(cache: &Cache<Service>, services: Vec<Service>) {
    cache.take(Event::Init);
    for service in services {
        cache.take(Event::InitApply(service));
    }
    cache.take(Event::InitDone);
}

fn told(cache: &Cache<Service>) -> Arc<Mutex<Vec<String>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let say = Arc::clone(&told);
    cache.subscribe(move |change| {
        let object = change.after.as_ref().or(change.before.as_ref()).unwrap();
        let verb = if change.after.is_some() { "put" } else { "delete" };
        say.lock().unwrap().push(format!("{verb} {}", ObjectKey::of(&object.metadata)));
    });
    told
}

#[test]
fn a_repeated_list_tells_only_what_changed_and_what_vanished() {
    let cache = Cache::default();
    let told = told(&cache);
    list(&cache, vec![service("x", "1"), service("y", "2"), service("z", "3")]);
    assert_eq!(std::mem::take(&mut *told.lock().unwrap()), ["put a/x", "put a/y", "put a/z"]);
    list(&cache, vec![service("x", "1"), service("y", "4")]);
    assert_eq!(*told.lock().unwrap(), ["put a/y", "delete a/z"]);
}

#[test]
fn the_objects_of_a_namespace_are_those_and_no_others() {
    let cache = Cache::default();
    let mut other = service("w", "5");
    other.metadata.namespace = Some("ab".into());
    list(&cache, vec![service("x", "1"), service("y", "2"), other]);
    let names: Vec<_> =
        cache.in_namespace("a").iter().map(|object| object.metadata.name.clone().unwrap()).collect();
    assert_eq!(names, ["x", "y"]);
}

#[tokio::test]
async fn a_writer_waits_until_the_cache_shows_what_it_wrote() {
    let cache = Cache::default();
    list(&cache, vec![service("x", "1")]);
    let written = service("y", "7");
    assert!(cache.shows(&written).now_or_never().is_none());
    cache.take(Event::Apply(service("x", "6")));
    assert!(cache.shows(&written).now_or_never().is_none());
    cache.take(Event::Apply(written.clone()));
    assert!(cache.shows(&written).now_or_never().is_some());
}

#[tokio::test]
async fn a_deleter_waits_for_the_end_or_the_beginning_of_it() {
    let cache = Cache::default();
    list(&cache, vec![service("x", "1")]);
    let key = ObjectKey::new("a", "x");
    assert!(cache.shows_deleted(&key, "uid-x").now_or_never().is_none());
    assert!(cache.shows_deleted(&key, "uid-of-another").now_or_never().is_some());
    cache.take(Event::Delete(service("x", "2")));
    assert!(cache.shows_deleted(&key, "uid-x").now_or_never().is_some());
}

#[tokio::test]
async fn a_cache_is_listed_only_when_the_first_list_is_complete() {
    let cache = Cache::default();
    cache.take(Event::Init);
    cache.take(Event::InitApply(service("x", "1")));
    assert!(cache.listed().now_or_never().is_none());
    cache.take(Event::InitDone);
    assert!(cache.listed().now_or_never().is_some());
}
