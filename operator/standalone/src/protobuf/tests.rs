//! Bodies as kubectl 1.36 sends them.

use serde_json::json;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn kubectl_create_namespace_is_read() {
    let body = "6b3873000a0f0a02763112094e616d657370616365121c0a140a0473686f7012001a0022002a0032003800420012001a020a00\
        1a002200";
    let expected = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    assert_eq!(decode(&bytes(body)).unwrap(), expected);
}

#[test]
fn the_values_of_a_secret_are_base64_and_empty_ones_stay() {
    let body = "6b3873000a0c0a027631120653656372657412280a110a017312001a0022002a0032003800420012060a016112016212090a05\
        656d70747912001a001a002200";
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "Yg==", "empty": ""},
    });
    assert_eq!(decode(&bytes(body)).unwrap(), expected);
}

#[test]
fn a_target_port_is_a_number_or_a_text() {
    let body = "6b3873000a0d0a027631120753657276696365126a0a1d0a026e7012001a0022002a003200380042005a090a0361707012026e\
        7012450a200a0738302d6874747012035443501850220a080110001a046874747028b1ea0112090a0361707012026e701a0022084e6f\
        6465506f72743a00420052005a00600068001a020a001a002200";
    let service = decode(&bytes(body)).unwrap();
    let port =
        json!({"name": "80-http", "protocol": "TCP", "port": 80, "targetPort": "http", "nodePort": 30001});
    let spec = json!({"ports": [port], "selector": {"app": "np"}, "type": "NodePort"});
    assert_eq!(service["spec"], spec);
}

#[test]
fn kubectl_auth_can_i_is_read() {
    let body = "6b3873000a320a17617574686f72697a6174696f6e2e6b38732e696f2f7631121753656c665375626a65637441636365737352\
        657669657712390a100a0012001a0022002a00320038004200121b0a190a0473686f7012036765741a0022002a04706f647332003a00\
        1a08080012001a0020001a002200";
    let review = decode(&bytes(body)).unwrap();
    assert_eq!(review["apiVersion"], "authorization.k8s.io/v1");
    assert_eq!(
        review["spec"],
        json!({"resourceAttributes": {"namespace": "shop", "verb": "get", "resource": "pods"}})
    );
}

#[test]
fn a_body_that_is_cut_short_anywhere_is_malformed_and_no_panic() {
    let body = bytes(
        "6b3873000a0c0a027631120653656372657412280a110a017312001a0022002a0032003800420012060a016112016212090a05656d70\
        747912001a001a002200",
    );
    for length in 0..body.len() {
        // Between two fields a message may end.
        let _ = decode(&body[..length]);
    }
    assert!(matches!(decode(&body[..body.len() - 10]), Err(Error::Malformed(_))));
    assert_eq!(decode(b"{}"), Err(Error::Foreign));
    assert!(matches!(
        decode(b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        Err(Error::Malformed(_))
    ));
}

#[test]
fn a_kind_that_is_not_served_is_named() {
    let body = bytes("6b3873000a0b0a02763112055468696e67");
    let expected = Error::UnknownKind { api_version: "v1".to_owned(), kind: "Thing".to_owned() };
    assert_eq!(decode(&body), Err(expected));
}

#[test]
fn delete_options_come_in_every_version() {
    let mut body = MAGIC.to_vec();
    body.extend(b"\x0a\x18\x0a\x07apps/v1\x12\x0dDeleteOptions\x12\x0e\x08\x00\x22\x0aForeground");
    assert_eq!(
        decode(&body).unwrap(),
        json!({
            "apiVersion": "apps/v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Foreground",
        })
    );
}

#[test]
fn messages_are_not_followed_deeper_than_real_ones_go() {
    let mut object = Map::new();
    let too_deep = decode_into(&mut object, Messages::get(), "core/v1.Pod", &[], 0);
    assert!(matches!(too_deep, Err(Error::Malformed(_))));
}
