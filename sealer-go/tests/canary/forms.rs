//! How could a value look that somebody wrote down by mistake?

use sealer_encoding::base64;

/// The value as it is, and as it would look if somebody wrote it otherwise.
pub(crate) fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let aligned = (0..3).map(|skip| {
        let padded = [vec![b'x'; skip], bytes.to_vec()].concat();
        let text = base64::encode(padded);
        // Without the characters that neighbours change.
        text.chars().skip(skip + 2).take(bytes.len()).collect()
    });
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let escaped = bytes.iter().map(|byte| format!("\\u{byte:04x}")).collect();
    let mut forms: Vec<String> = aligned.collect();
    forms.extend([
        value.to_owned(),
        value.chars().rev().collect(),
        hex.to_uppercase(),
        hex,
        escaped,
        value.to_uppercase(),
        value.to_lowercase(),
    ]);
    forms
}
