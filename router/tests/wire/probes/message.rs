//! Messages as lines that can be compared, whatever the order of their fields and the case of their names.

/// The start line, the fields in the order of their names, and the body if there is one. Interim responses are messages
/// before the last one.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let Some((head, after)) = rest.split_once("\r\n\r\n") else {
            lines.extend((!rest.is_empty()).then(|| body(rest)));
            return lines;
        };
        let mut fields = head.split("\r\n");
        let start = fields.next().unwrap_or_default();
        lines.push(start.to_owned());
        let first = lines.len();
        lines.extend(fields.map(field));
        lines[first..].sort();
        let is_interim = start.starts_with("HTTP/1.1 1") && !start.starts_with("HTTP/1.1 101");
        if !is_interim {
            lines.extend((!after.is_empty()).then(|| body(after)));
            return lines;
        }
        rest = after;
    }
}

/// Of such lines.
pub(super) fn status_and_body(lines: Vec<String>) -> Vec<String> {
    let is_body = |line: &String| line.starts_with("body: ");
    let last = lines.iter().rfind(|line| is_body(line)).cloned();
    lines.into_iter().take(1).chain(last).collect()
}

fn field(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    format!("{}: {}", name.to_ascii_lowercase(), value.trim()).trim_end().to_owned()
}

fn body(text: &str) -> String {
    format!("body: {}", text.escape_default())
}

/// Bytes as text, a character for each.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter).unwrap()).collect()
}

/// Puts names in the place of values that change each time.
pub(super) fn normal(text: &str, port: u16) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let lines: Vec<_> = head.split("\r\n").map(|line| normal_line(line, port)).collect();
    let rest = if body.starts_with("HTTP/1.1 ") { normal(body, port) } else { body.to_owned() };
    format!("{}\r\n\r\n{rest}", lines.join("\r\n"))
}

fn normal_line(line: &str, port: u16) -> String {
    let Some((name, value)) = line.split_once(": ") else {
        return line.to_owned();
    };
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let value = match value {
        value if is("Date") && !value.ends_with("2001 00:00:00 GMT") => "<date>".to_owned(),
        value if is("X-Request-Id") && value.split('-').map(str::len).eq([8, 4, 4, 4, 12]) => {
            "<id>".to_owned()
        }
        value if is("X-Request-Start") && value.len() == 13 => "<time>".to_owned(),
        value if is("X-Forwarded-Port") => value.replace(&port.to_string(), "<port>"),
        value => match value.strip_prefix("_backend=").and_then(|value| value.split_once(';')) {
            Some((sealed, rest)) if sealed.len() > 60 => format!("_backend=<sealed>;{rest}"),
            _ => value.to_owned(),
        },
    };
    format!("{name}: {value}")
}
