use super::*;

/// Reads variables and no flags.
fn variables(given: &[(&str, &str)]) -> Result<Overrides> {
    read(&Flags::default(), given)
}

fn read(flags: &Flags, given: &[(&str, &str)]) -> Result<Overrides> {
    let find = |name: &str| given.iter().find(|(found, _)| *found == name);
    Overrides::read(flags, |name| find(name).map(|(_, value)| (*value).to_owned()))
}

fn listen(overrides: &Overrides, mut listen: Listen) -> Listen {
    overrides.listen(&mut listen);
    listen
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn without_flags_and_variables_the_configuration_stands() {
    let before = Config {
        listen: Listen { http: Some(address("10.0.0.1:80")), proxy_protocol: true, ..Listen::default() },
        default_certificate: Some("own".into()),
        unavailable_page: Some("<p>".into()),
        ..Config::default()
    };
    for variables in [variables(&[]), variables(&[("PORT", ""), ("DEFAULT_HTTP_PORT", ""), ("TLSCERT", "")])]
    {
        let mut config = before.clone();
        variables.unwrap().apply(&mut config);
        assert_eq!(config, before);
    }
}

#[test]
fn the_variables_of_flynn_say_where_to_listen() {
    let overrides = variables(&[
        ("DEFAULT_HTTP_PORT", "8080"),
        ("DEFAULT_HTTPS_PORT", "4433"),
        ("ADDITIONAL_HTTP_PORTS", "8081,8082"),
        ("ADDITIONAL_HTTPS_PORTS", "4434"),
        ("PORT", "5000"),
        ("PROXY_PROTOCOL", "true"),
    ]);
    let expected = Listen {
        http: Some(address("0.0.0.0:8080")),
        https: Some(address("0.0.0.0:4433")),
        extra_http: vec![address("0.0.0.0:8081"), address("0.0.0.0:8082")],
        extra_https: vec![address("0.0.0.0:4434")],
        tcp: None,
        proxy_protocol: true,
        admin: Some(address("127.0.0.1:5000")),
    };
    assert_eq!(listen(&overrides.unwrap(), Listen::default()), expected);
}

#[test]
fn a_flag_wins_over_its_variable_and_both_over_the_configuration() {
    let flags = Flags { http_port: Some(1), ..Flags::default() };
    let overrides = read(&flags, &[("DEFAULT_HTTP_PORT", "2"), ("DEFAULT_HTTPS_PORT", "3")]).unwrap();
    let file = Listen {
        http: Some(address("10.0.0.1:80")),
        https: Some(address("10.0.0.2:443")),
        ..Listen::default()
    };
    let listen = listen(&overrides, file);
    assert_eq!(listen.http, Some(address("10.0.0.1:1")));
    assert_eq!(listen.https, Some(address("10.0.0.2:3")));
}

#[test]
fn one_address_can_be_given_for_everything_but_the_admin_api() {
    let file = Listen {
        http: Some(address("10.0.0.1:80")),
        extra_http: vec![address("10.0.0.1:81")],
        tcp: Some(TcpRange { ip: [10, 0, 0, 1].into(), first: 1, last: 2 }),
        admin: Some(address("10.0.0.1:82")),
        ..Listen::default()
    };
    let overrides = variables(&[("LISTEN_IP", "::1"), ("DEFAULT_HTTPS_PORT", "443")]).unwrap();
    let listen = listen(&overrides, file);
    assert_eq!((listen.http, listen.https), (Some(address("[::1]:80")), Some(address("[::1]:443"))));
    assert_eq!(listen.extra_http, [address("[::1]:81")]);
    assert_eq!(listen.tcp.unwrap().ip.to_string(), "::1");
    assert_eq!(listen.admin, Some(address("10.0.0.1:82")));
}

#[test]
fn plain_http_can_be_turned_off() {
    let overrides = variables(&[("DEFAULT_HTTP_PORT", "0")]).unwrap();
    let file = Listen { http: Some(address("10.0.0.1:80")), ..Listen::default() };
    assert_eq!(listen(&overrides, file).http, None);
}

#[test]
fn half_a_range_is_completed_as_in_flynn() {
    let range = |flags, file| {
        let tcp = listen(&read(&flags, &[]).unwrap(), file).tcp.unwrap();
        (tcp.ip.to_string(), tcp.first, tcp.last)
    };
    let start = || Flags { tcp_range_start: Some(3100), ..Flags::default() };
    let end = Flags { tcp_range_end: Some(3100), ..Flags::default() };
    assert_eq!(range(start(), Listen::default()), ("0.0.0.0".into(), 3100, 3500));
    assert_eq!(range(end, Listen::default()), ("0.0.0.0".into(), 3000, 3100));
    let tcp = Some(TcpRange { ip: [10, 0, 0, 1].into(), first: 3000, last: 3200 });
    assert_eq!(range(start(), Listen { tcp, ..Listen::default() }), ("10.0.0.1".into(), 3100, 3200));
}

#[test]
fn what_cannot_be_is_told_with_what_to_do() {
    for (name, value, expected) in [
        ("DEFAULT_HTTP_PORT", "eighty", "is `eighty`: give a port from 1 to 65535, or 0 for none"),
        ("DEFAULT_HTTPS_PORT", "0", "is `0`: give a port from 1 to 65535"),
        ("ADDITIONAL_HTTP_PORTS", "80;81", "is `80;81`: give ports from 1 to 65535 with commas between"),
        ("ADDITIONAL_HTTPS_PORTS", "80,", "is `80,`: give ports"),
        ("PORT", "70000", "is `70000`: give a port"),
        ("LISTEN_IP", "eth0", "is `eth0`: give an IP address of this machine"),
        ("PROXY_PROTOCOL", "1", "is `1`: give `true` or `false`"),
        ("LEGACY_TLS", "true", "which is broken and not served: remove it"),
        (
            "ERROR_503_PAGE_URL",
            "https://site.com/503",
            "download the page, and give it with --unavailable-page",
        ),
        ("ERROR_503_PAGE_URL", "file:///nowhere.html", "cannot read /nowhere.html"),
        ("TLSCERT", "pem", "set both, or none"),
        ("COOKIE_KEY", "c2VjcmV0", "a cookie key is 32 bytes in base64"),
    ] {
        let error = variables(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("c2VjcmV0"));
    }
    assert!(variables(&[("LEGACY_TLS", "false")]).is_ok());
}

#[test]
fn certificate_key_and_page_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("503.html");
    fs::write(&page, "<h1>Later</h1>").unwrap();
    let url = format!("file://{}", page.display());
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let given =
        [("TLSCERT", "chain"), ("TLSKEY", "secret"), ("COOKIE_KEY", key), ("ERROR_503_PAGE_URL", &*url)];
    let overrides = variables(&given).unwrap();
    let mut config = Config::default();
    overrides.apply(&mut config);
    let name = config.default_certificate.unwrap();
    assert_eq!(config.certificates[&name].chain, "chain");
    assert_eq!(config.cookie_key.unwrap().bytes(), &[0; 32]);
    assert_eq!(config.unavailable_page.as_deref(), Some("<h1>Later</h1>"));
    let printed = format!("{overrides:?}");
    assert!(!printed.contains("secret") && !printed.contains(key), "{printed}");
}
