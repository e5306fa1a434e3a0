//! References to variables in a value or a command: `$(NAME)` is the variable, `$$` is `$`, and a reference to what does not
//! exist stays as it is written. Pure.

/// The text with its references resolved.
pub(super) fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match variable(name) {
                Some(value) => expanded.push_str(&value),
                None => expanded.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_kubernetes_does() {
        let table = [
            ("plain", "plain"),
            ("$(A)", "1"),
            ("-$(A)-$(B)-", "-1-$(A)-"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$(A)", "$$(A)"),
            ("$(MISSING)", "$(MISSING)"),
            ("$A ${A} $", "$A ${A} $"),
            ("$(A", "$(A"),
            ("$()", "$()"),
            ("ü$(A)ü", "ü1ü"),
        ];
        let variable = |name: &str| match name {
            "A" => Some("1".to_owned()),
            // What a variable holds is not looked at again.
            "B" => Some("$(A)".to_owned()),
            _ => None,
        };
        for (text, expected) in table {
            assert_eq!(expand(text, variable), expected, "{text}");
        }
    }
}
