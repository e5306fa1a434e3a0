//! The test bed: a real Kubernetes control plane, the players around it and the tools to look at it from outside.
//!
//! ```text
//!   TestBed --+-- ControlPlane (etcd, kube-apiserver, kube-controller-manager as child processes)
//!             +-- Pods (scheduler and kubelet: every Pod becomes a Backend on an address of 10.77.0.0/16)
//!             +-- Kubectl, Operator (the real binaries)
//!             +-- Platform, Tenant (the operator as it is installed, and a team that uses it)
//!             `-- http, load (the requests that people would make)
//! ```
//!
//! Everything runs inside `e2e/netns`, which gives those addresses and ends every process with the test run.
//! Nothing here waits for a length of time: see [`wait`].

pub mod amazon;
pub mod backend;
pub mod call;
pub mod clock;
pub mod components;
pub mod control_plane;
pub mod definitions;
pub mod embedded;
pub mod etcd;
pub mod held_api;
pub mod http;
pub mod kubeconfig;
pub mod kubectl;
pub mod kubelet;
pub mod load;
pub mod machine;
pub mod namespace;
pub mod nodes;
pub mod operator;
pub mod pki;
pub mod plane;
pub mod platform;
pub mod pods;
pub mod ports;
pub mod process;
pub mod site;
pub mod tcp_proxy;
pub mod tenant;
pub mod test_bed;
pub mod tls;
pub mod tools;
pub mod usage;
pub mod visitors;
pub mod wait;

pub use amazon::Amazon;
pub use backend::Backend;
pub use call::Call;
pub use clock::Clock;
pub use control_plane::ControlPlane;
pub use embedded::Embedded;
pub use held_api::HeldApi;
pub use kubectl::Kubectl;
pub use load::Load;
pub use namespace::{Namespace, unique};
pub use operator::Operator;
pub use plane::Plane;
pub use platform::Platform;
pub use pods::Pods;
pub use site::Site;
pub use tcp_proxy::Proxy;
pub use tenant::Tenant;
pub use test_bed::TestBed;
pub use tls::Trust;
pub use wait::eventually;
