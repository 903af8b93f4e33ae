//! How does a text look with its templates left out, byte for byte as long as before?

/// Replaces every `{{ … }}`: alone on its lines it becomes a comment, beside other text a word.
pub(super) fn without_templates(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let length = action.find("}}").map_or(action.len(), |end| end + 2);
        let (action, after) = action.split_at_checked(length).unwrap_or((action, ""));
        result.push_str(before);
        let alone = before_on_line(&result).trim().is_empty() && after_on_line(after).trim().is_empty();
        push_masked(&mut result, action, alone);
        rest = after;
    }
    result + rest
}

fn before_on_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}

/// What follows on the line; further templates do not count, they are masked in turn.
fn after_on_line(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    if line.trim_start().starts_with("{{") { "" } else { line }
}

fn push_masked(result: &mut String, action: &str, alone: bool) {
    let mut begins_line = alone;
    for byte in action.bytes() {
        result.push(match byte {
            b'\n' | b'\r' => char::from(byte),
            _ if begins_line => '#',
            _ => 'x',
        });
        begins_line = alone && byte == b'\n';
    }
}
