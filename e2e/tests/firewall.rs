//! `Cluster.spec.aws.securityGroups`: the nodes' firewall, on doubles of AWS that are as strict as AWS.

mod beside;
mod drift;
mod faults;
mod life;

use aws_sdk_ec2::types::{IpPermission, IpRange};

/// TCP at one port, from or to one network.
fn tcp(port: i32, network: &str) -> IpPermission {
    let range = IpRange::builder().cidr_ip(network).build();
    IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(range).build()
}

/// A rule of somebody else: SSH from everywhere.
fn ssh() -> IpPermission {
    tcp(22, "0.0.0.0/0")
}

/// A declared one.
fn web_rule() -> IpPermission {
    tcp(443, "0.0.0.0/0")
}
