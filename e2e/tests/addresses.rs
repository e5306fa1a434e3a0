//! `Cluster.spec.aws`: the nodes' addresses and the apex of the domains, on doubles of AWS that are as strict as AWS.
//!
//! Every site has its own account, its own controllers under the policy that the operator prints, and things of somebody else
//! beside its own, which each test finds unchanged at its end.

mod crash;
mod faults;
mod in_sync;
mod modes;
mod nodes;
mod planned;
mod published;
mod refused;
mod zones;
