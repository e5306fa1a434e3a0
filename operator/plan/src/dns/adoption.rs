//! Sets of others where ours have to be: Route 53 lets sets of one name and type have one routing policy, and lets nothing stand beside a CNAME.
//!
//! | `dns.adopt` | the sets of others                                      | then                                                           |
//! |-------------|---------------------------------------------------------|----------------------------------------------------------------|
//! | no          | any                                                     | `NotOwned`: nothing is changed                                 |
//! | yes         | an A, AAAA or CNAME, all of whose fields are known      | one change deletes them exactly and creates ours               |
//! | yes         | any other                                               | `NotOwned`: MX, TXT and the like are never touched, and of a geolocation, failover or traffic-policy set not every field is known |

use crds::Reason;

use crate::Refusal;
use crate::aws::{RecordName, RecordSet, RecordType, Routing};

/// Whether these sets may be replaced by ours.
pub(super) fn allowed(
    adopt: bool,
    name: &RecordName,
    type_: &RecordType,
    blockers: &[&RecordSet],
) -> Result<(), Refusal> {
    let refuse = |what: String, next: &str| Err(Refusal::new(Reason::NotOwned, format!("{what}: {next}")));
    if let Some(set) = blockers.iter().find(|set| !can_be_deleted(set)) {
        let next = "it cannot be adopted: take it away, or leave the domain out of spec.domains";
        return refuse(format!("{} stands where the {type_} of {name} has to be", told(set)), next);
    }
    if !adopt {
        let sets: Vec<String> = blockers.iter().map(|set| told(set)).collect();
        let next = "take it away, or set spec.aws.dns.adopt to have it replaced";
        return refuse(
            format!("{} is somebody else's, where the {type_} of {name} has to be", sets.join(", ")),
            next,
        );
    }
    Ok(())
}

fn can_be_deleted(set: &RecordSet) -> bool {
    let known = !set.unmodelled && !matches!(set.routing, Routing::Other { .. });
    known && !matches!(set.type_, RecordType::Other(_))
}

/// A set, for people.
fn told(set: &RecordSet) -> String {
    let RecordSet { name, type_, values, .. } = set;
    match &set.alias {
        Some((_, target, _)) => format!("{name} {type_} (alias of {target})"),
        None => format!("{name} {type_} ({})", values.join(", ")),
    }
}
