//! The operator dies, or an answer is lost, at every single call: the end is the same, nothing is left over, and what a person made is untouched.

use jiff::SignedDuration;
use plan::aws::AccessKeyId;
use plan::aws::storage::Contents;
use proptest::prelude::*;

use super::account::plain;
use super::story::{BUCKET, Ending, Story};

const ENDINGS: [Ending; 6] = [
    Ending::Answered,
    Ending::Dies,
    Ending::DiesHalfway,
    Ending::DiesBefore,
    Ending::AnswerLost,
    Ending::AnswerLostHalfway,
];

/// What has to be the same at the end, whichever key it is.
fn end(story: &Story) -> impl PartialEq + std::fmt::Debug + use<> {
    let user = story.user();
    let account = &story.account;
    let policies = account.users.get(&user).map(|user| user.policies.clone());
    let active: Vec<&AccessKeyId> = account.keys.iter().filter(|key| key.active).map(|key| &key.id).collect();
    let in_secret: Vec<AccessKeyId> = story.key().into_iter().collect();
    assert_eq!(active, in_secret.iter().collect::<Vec<_>>());
    let marks = account.secret.as_ref().map(|secret| secret.marks.clone()).unwrap_or_default();
    assert_eq!((marks.key, marks.bucket_since), (None, None), "no intent is left");
    (account.buckets.clone(), policies, account.keys.len(), account.secret.is_some())
}

/// Runs a story with a crash at each call in each way.
fn at_every_call(start: &Story, then: impl Fn(&mut Story, usize, Ending)) {
    let mut whole = start.clone();
    then(&mut whole, usize::MAX, Ending::Answered);
    let expected = end(&whole);
    assert!(!whole.calls.is_empty());
    for n in 0..whole.calls.len() {
        for ending in ENDINGS {
            let mut story = start.clone();
            then(&mut story, n, ending);
            assert!(end(&story) == expected, "{n} {ending:?}: {:?}", story.actions());
        }
    }
}

#[test]
fn a_blobstore_is_made_the_same_wherever_the_operator_dies() {
    at_every_call(&Story::new(), |story, n, ending| drop(story.settle_with(n, ending)));
}

#[test]
fn a_key_is_replaced_the_same_wherever_the_operator_dies() {
    let mut start = Story::settled();
    start.order.rotate = Some("now".into());
    at_every_call(&start, |story, n, ending| {
        story.settle_with(n, ending);
        story.account.restart_pods();
        story.settle_with(n, ending);
    });
}

#[test]
fn a_deletion_ends_the_same_wherever_the_operator_dies() {
    let mut start = Story::settled();
    start.account.buckets.insert("somebody-elses".into(), plain("us-east-1"));
    start.account.bucket(BUCKET).contents = Contents { objects: 1500, more: true };
    start.order.spec.s3.as_mut().unwrap().empty_on_delete = true;
    start.order.spec.deletion_policy = crds::DeletionPolicy::Delete;
    start.order.deleted_at = Some(start.account.now);
    at_every_call(&start, |story, n, ending| drop(story.settle_with(n, ending)));
}

/// What happens between passes.
#[derive(Debug, Clone, Copy)]
enum Event {
    KeyByHand,
    PersonDeletesTheSecret,
    PodsRestart,
    PodsReadObjects,
    Rotate,
    Minutes(i64),
    Passes(usize, Ending),
}

fn event() -> impl Strategy<Value = Event> {
    let ending = prop::sample::select(&ENDINGS[..]);
    prop_oneof![
        1 => Just(Event::KeyByHand),
        1 => Just(Event::PersonDeletesTheSecret),
        2 => Just(Event::PodsRestart),
        2 => Just(Event::PodsReadObjects),
        2 => Just(Event::Rotate),
        3 => (1..200_i64).prop_map(Event::Minutes),
        6 => (0..8_usize, ending).prop_map(|(n, ending)| Event::Passes(n, ending)),
    ]
}

fn happens(story: &mut Story, event: Event, number: usize) {
    match event {
        Event::KeyByHand => {
            // A key that is made in the very minute of an intent, and never used, cannot be told from a lost one.
            let open = story.account.secret.as_ref().is_some_and(|secret| secret.marks.key.is_some());
            let made = (!open).then(|| story.account.key_by_hand()).flatten();
            story.account.pass(SignedDuration::from_mins(if made.is_some() { 6 } else { 0 }));
        }
        Event::PersonDeletesTheSecret => story.account.secret = None,
        Event::PodsRestart => story.account.restart_pods(),
        Event::PodsReadObjects => story.account.use_keys(),
        Event::Rotate => story.order.rotate = Some(number.to_string()),
        Event::Minutes(minutes) => story.account.pass(SignedDuration::from_mins(minutes)),
        Event::Passes(n, ending) => {
            let at = story.calls.len() + n;
            for _ in 0..4 {
                story.pass(at, ending);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_key_of_a_person_and_no_key_of_a_pod_is_ever_touched(events in prop::collection::vec(event(), 1..60)) {
        let mut story = Story::settled();
        story.account.buckets.insert("somebody-elses".into(), plain("us-east-1"));
        for (number, event) in events.into_iter().enumerate() {
            happens(&mut story, event, number);
            for id in &story.account.made_by_hand {
                prop_assert!(story.account.key(id).is_some_and(|key| key.active), "{event:?} {:?}", story.actions());
            }
            let of_pods = story.account.pods.iter().filter_map(|pod| pod.key.clone()).filter(|id| *id != AccessKeyId::new("none"));
            for id in of_pods {
                prop_assert!(story.account.key(&id).is_some_and(|key| key.active), "{event:?} {:?}", story.actions());
            }
            prop_assert_eq!(&story.account.buckets["somebody-elses"], &plain("us-east-1"));
        }
    }
}
