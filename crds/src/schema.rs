//! Schemas of the parts that all kinds share and that `k8s-openapi` does not describe.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The schema of `status.conditions`: a list keyed by `type`, so that several writers can own a condition each.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "What is true of this object now, one entry per condition type. `Ready` sums the others up.",
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the object's state.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "description": "The aspect, for example `Accepted`.",
                    "type": "string", "maxLength": 64
                },
                "status": {
                    "description": "Whether it holds.",
                    "type": "string", "enum": ["True", "False", "Unknown"]
                },
                "observedGeneration": {
                    "description": "The `metadata.generation` that this was found for.",
                    "type": "integer", "format": "int64", "minimum": 0
                },
                "lastTransitionTime": {
                    "description": "When `status` last changed.",
                    "type": "string", "format": "date-time"
                },
                "reason": {
                    "description": "One word for why, for programs.",
                    "type": "string", "maxLength": 128
                },
                "message": {
                    "description": "One sentence for why and what to do, for people.",
                    "type": "string", "maxLength": 4096
                }
            }
        }
    })
}

/// The schema of an amount of CPU or memory, which may be written as a number or as text.
pub(crate) fn quantity(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true, "nullable": true, "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": "string(self).matches('^([0-9]+[.]?[0-9]*|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$')",
            "message": "an amount of CPU or memory is a number with or without a unit, such as 500m, 2 or 256Mi"
        }]
    })
}

/// The schema of the networks that clients may come from.
pub(crate) fn networks(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 64,
        "items": { "type": "string", "minLength": 1, "maxLength": 49 },
        "x-kubernetes-validations": [{
            "rule": "self.all(network, isCIDR(network))",
            "message": "a network is an address and the length of its prefix, such as 10.0.0.0/8 or 2001:db8::/32; one address is 203.0.113.7/32"
        }]
    })
}

/// The schema of an instant (RFC 3339).
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "nullable": true })
}
