//! What applying the manifests would come to: the cluster as it is, settled, compared with the same plus the manifests.
//!
//! In come the objects that exist and those that are declared; out goes a value to print. It is made by the very planner
//! that the controller runs, whose wishes are taken as carried out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plan::aws::Order;
use plan::aws::storage::StorageOrder;
use plan::{Kind, ObjectKey, Platform, Refusal, Simulation, Wish, Write};
use router_config::{Config, Delta};
use serde::Serialize;

use super::Objects;
use super::aws_difference::AwsDifference;
use super::declared::{Declared, Ignored};

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Whether anything would change.
    pub(super) difference: bool,
    /// The objects that would be written.
    pub(super) objects: Vec<Change>,
    /// What would change in the router's table.
    pub(super) table: Delta,
    /// The table before.
    #[serde(skip)]
    pub(super) before: Config,
    /// What would not be as declared until a person changes something.
    pub(super) refusals: Vec<Refused>,
    /// What is said of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aws: Option<AwsDifference>,
    /// What AWS would be made to be.
    #[serde(skip)]
    pub(super) order: Option<Order>,
    /// What buckets would be made to be.
    #[serde(skip)]
    pub(super) storage: Vec<StorageOrder>,
    /// Documents that have no part in it.
    pub(super) ignored: Vec<Ignored>,
}

/// An object that would be written.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Change {
    /// What would happen to it.
    pub(super) change: Write,
    /// Its kind.
    pub(super) kind: Kind,
    /// Its key.
    pub(super) name: ObjectKey,
    /// Whose write it would be.
    pub(super) by: Author,
    /// As the operator would write it, keys left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<Wish>,
}

/// Whose write it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Author {
    /// The person's, by applying the manifest.
    Manifest,
    /// The operator's, because of the manifests.
    Operator,
}

/// Something that would not be as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// Its kind.
    pub(super) kind: Kind,
    /// Its key.
    pub(super) name: ObjectKey,
    /// Why.
    #[serde(flatten)]
    pub(super) refusal: Refusal,
}

impl Answer {
    /// Finds it, for the instant `now`.
    pub(super) fn find(
        existing: &Objects,
        declared: Vec<Declared>,
        ignored: Vec<Ignored>,
        now: Timestamp,
        platform: Platform,
    ) -> Self {
        let mut simulation = Simulation::new(now).on(platform);
        existing.values().cloned().for_each(|object| simulation.put(object));
        simulation.settle();
        let (before, refused_before) = (simulation.table().clone(), simulation.refusals());
        simulation.forget_writes();

        let names = declared.iter().map(|Declared { object, .. }| (object.kind(), object.key()));
        let names: BTreeSet<_> = names.collect();
        let mut objects = put_declared(&mut simulation, declared);
        simulation.settle();
        objects.extend(written(&simulation, &names));
        let table = before.diff(simulation.table());
        let refusals = simulation.refusals().into_iter().filter(|refused| {
            let (kind, name, _) = refused;
            names.contains(&(*kind, name.clone())) || !refused_before.contains(refused)
        });
        let refusals = refusals.map(|(kind, name, refusal)| Refused { kind, name, refusal }).collect();
        let difference = !objects.is_empty() || !table.is_empty();
        let order = simulation.order().cloned();
        let storage = simulation.storage_orders().cloned().collect();
        Self { difference, objects, table, before, refusals, aws: None, order, storage, ignored }
    }

    /// The same with what is said of AWS.
    pub(super) fn with_aws(self, aws: Option<AwsDifference>) -> Self {
        let calls = aws.as_ref().is_some_and(|aws| aws.all_calls() > 0);
        Self { difference: self.difference || calls, aws, ..self }
    }
}

/// Puts what is declared into the world, and tells what of it is new.
fn put_declared(simulation: &mut Simulation, declared: Vec<Declared>) -> Vec<Change> {
    let changed = declared.into_iter().filter_map(|Declared { object, change }| Some((object, change?)));
    let changes = changed.map(|(object, change)| {
        let (kind, name) = (object.kind(), object.key());
        simulation.put(object);
        Change { change, kind, name, by: Author::Manifest, object: None }
    });
    changes.collect()
}

/// What the operator would write because of that, but to the declared objects themselves.
fn written(simulation: &Simulation, declared: &BTreeSet<(Kind, ObjectKey)>) -> Vec<Change> {
    let wishes: BTreeMap<_, _> = simulation.wishes().map(|wish| (wish.key(), wish)).collect();
    let writes = simulation.writes().filter(|(kind, name, _)| !declared.contains(&(*kind, (*name).clone())));
    let change = |(kind, name, change): (Kind, &ObjectKey, Write)| {
        let object = wishes.get(&(kind, name.clone())).map(|wish| (*wish).clone());
        Change { change, kind, name: name.clone(), by: Author::Operator, object }
    };
    writes.map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Source;
    use crate::plan_command::declared::parse;

    const QUICKSTART: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec: {domains: [{name: site.com}]}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: www}
spec: {image: 'www:1'}
";

    fn declared(text: &str, existing: &Objects) -> Vec<Declared> {
        let manifests = parse(&[Source { name: "a".into(), text: text.into() }], "default", existing);
        assert!(manifests.problems.is_empty(), "{:?}", manifests.problems);
        manifests.objects
    }

    fn answer(existing: &str, manifests: &str) -> Answer {
        let existing = declared(existing, &Objects::new()).into_iter().map(|declared| declared.object);
        let existing = existing.map(|object| ((object.kind(), object.key()), object)).collect();
        let manifests = declared(manifests, &existing);
        Answer::find(&existing, manifests, Vec::new(), Timestamp::UNIX_EPOCH, Platform::Kubernetes)
    }

    #[test]
    fn an_app_brings_its_objects_and_its_host() {
        let answer = answer("", QUICKSTART);
        let told: Vec<_> = answer
            .objects
            .iter()
            .map(|change| format!("{:?} {} {}", change.by, change.kind, change.name))
            .collect();
        assert_eq!(
            told,
            [
                "Manifest Cluster site",
                "Manifest App default/www",
                "Operator Route default/www.site.com",
                "Operator Service default/www-web",
                "Operator Deployment default/www-web",
            ]
        );
        assert!(answer.difference && answer.table.hosts.contains_key("www.site.com"));
    }

    #[test]
    fn a_tcp_route_is_in_the_table_with_the_port_that_it_would_be_given() {
        let route = "
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: db}
spec: {app: www, tcp: {}}
";
        let answer = answer("", &format!("{QUICKSTART}---{route}"));
        let text = super::super::print::table(&answer);
        assert!(text.contains("TCP\n  CHANGE  PORT  ACTION\n  create  3000  to default/www-web"), "{text}");
    }

    #[test]
    fn a_blobstore_that_cannot_be_followed_is_refused_and_its_app_waits() {
        let manifest = "
apiVersion: flynn.io/v1alpha1
kind: Blobstore
metadata: {name: blobs}
spec: {s3: {bucket: acme-blobs, region: us-east-1}}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: api}
spec: {image: 'api:1', routes: None, blobstore: blobs}
";
        let answer = answer(QUICKSTART, manifest);
        let refused = answer.refusals.iter().map(|refused| (refused.kind, refused.refusal.reason));
        assert_eq!(refused.collect::<Vec<_>>(), [(Kind::Blobstore, crds::Reason::AwsNotDeclared)]);
        let made: Vec<_> = answer.objects.iter().map(|change| change.kind).collect();
        assert!(made.contains(&Kind::Service) && !made.contains(&Kind::Deployment), "{made:?}");
    }

    #[test]
    fn what_exists_already_is_no_difference() {
        let answer = answer(QUICKSTART, QUICKSTART);
        assert!(!answer.difference, "{answer:?}");
    }

    #[test]
    fn calls_to_aws_are_a_difference_and_a_note_is_none() {
        let unasked = AwsDifference { notes: vec!["AWS was not asked".into()], ..AwsDifference::default() };
        assert!(!answer(QUICKSTART, QUICKSTART).with_aws(Some(unasked)).difference);
        let calls = vec!["ec2:AllocateAddress for n1".into()];
        let asked = AwsDifference { asked: true, calls, ..AwsDifference::default() };
        let answer = answer(QUICKSTART, QUICKSTART).with_aws(Some(asked));
        assert!(answer.difference);
        let text = super::super::print::table(&answer);
        assert!(text.contains("AWS\n  CALL\n  ec2:AllocateAddress for n1\n"), "{text}");
        assert!(text.ends_with("0 hosts change; 1 AWS calls; 0 refused.\n"), "{text}");
    }

    #[test]
    fn the_order_is_that_of_the_active_cluster_with_its_nodes() {
        let cluster = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec: {nodes: {instances: [i-0123456789abcdef0]}, aws: {region: us-east-1}, domains: [{name: site.com}]}
";
        let order = answer("", cluster).order.expect("AWS is declared");
        assert_eq!((order.owner.name.as_str(), order.nodes.len()), ("site", 1));
        assert!(answer("", QUICKSTART).order.is_none());
    }

    #[test]
    fn what_others_set_is_no_difference_and_what_is_no_longer_declared_is_one() {
        let app = |spec: &str, annotations: &str| {
            format!(
                "apiVersion: flynn.io/v1alpha1\nkind: App\nmetadata: {{name: www{annotations}}}\nspec: {spec}\n"
            )
        };
        let scaled = app("{image: 'www:1', processes: {web: {replicas: 3}}}", "");
        assert!(!answer(&scaled, &app("{image: 'www:1'}", "")).difference);
        let last = r#"{"spec":{"image":"www:1","env":{"A":"b"}}}"#;
        let last = format!(", annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{last}'}}");
        let before = app("{image: 'www:1', env: {A: b}}", &last);
        let answer = answer(&before, &app("{image: 'www:1'}", ""));
        let updated = |change: &Change| change.change == Write::Update && change.kind == Kind::App;
        assert!(answer.objects.iter().any(updated), "{:?}", answer.objects);
    }

    const SELF_SIGNED: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec: {domains: [{name: site.test, certificate: {namespace: default, name: own}}]}
---
apiVersion: flynn.io/v1alpha1
kind: Certificate
metadata: {name: own}
spec: {selfSigned: {dnsNames: ['*.site.test']}}
---
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: www}
spec: {http: {host: www.site.test}, redirect: {host: other.test}}
";

    #[test]
    fn a_pair_that_would_be_signed_counts_as_there() {
        let answer = answer("", SELF_SIGNED);
        let host = answer.table.hosts["www.site.test"].as_ref().expect("it is served");
        assert!(host.https_redirect && host.certificate.as_deref() == Some("default/own"), "{host:?}");
        assert!(answer.refusals.is_empty(), "{:?}", answer.refusals);
        let secret = answer.objects.iter().find(|change| change.kind == Kind::Secret).expect("it is written");
        assert_eq!((secret.change, secret.by), (Write::Create, Author::Operator));
        assert!(!serde_json::to_string(&answer).unwrap().contains("-----BEGIN"), "nothing is made");
    }

    #[test]
    fn a_pair_that_would_be_signed_anyway_is_no_difference_but_other_names_are() {
        assert!(!answer(SELF_SIGNED, SELF_SIGNED).difference);
        let answer = answer(SELF_SIGNED, &SELF_SIGNED.replace("'*.site.test'", "www.site.test"));
        let changes: Vec<_> = answer.objects.iter().map(|it| (it.change, it.kind)).collect();
        assert_eq!(changes, [(Write::Update, Kind::Certificate), (Write::Update, Kind::Secret)]);
        assert!(answer.table.certificates.contains_key("default/own"));
    }

    #[test]
    fn a_refusal_of_something_declared_is_told() {
        let route = "apiVersion: flynn.io/v1alpha1\nkind: Route\nmetadata: {name: a}\nspec: {app: missing, http: {host: a.site.com}}\n";
        let answer = answer(QUICKSTART, route);
        assert_eq!(answer.refusals.len(), 1, "{:?}", answer.refusals);
        assert_eq!(answer.refusals[0].refusal.reason, crds::Reason::AppNotFound);
    }
}
