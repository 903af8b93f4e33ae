//! What strangers and tenants send to do harm: the scenes and the measurements use the same.

use serde_json::{Value, json};

/// Bodies of two megabytes in the shapes that cost most to read; `good` is a SealedSecret that opens.
pub fn costly_bodies(good: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let full = |head: &str, part: &str, tail: &str| {
        let count = ((2 << 20) - head.len() - tail.len()) / part.len();
        [head, &part.repeat(count), tail].concat().into_bytes()
    };
    let name = "{\"kind\":\"SealedSecret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"},\"spec\":{";
    let mut shapes: Vec<(&str, Vec<u8>)> = [
        ("numbers", "0,", "0"),
        ("empty maps", "{},", "0"),
        ("empty lists", "[],", "0"),
        ("maps", "{\"a\":{}},", "0"),
        ("maps in maps", "{\"a\":{\"a\":{\"a\":{\"a\":{}}}}},", "0"),
        ("empty texts", "\"\",", "0"),
    ]
    .into_iter()
    .map(|(shape, part, last)| {
        (shape, full(&format!("{name}\"template\":{{\"metadata\":{{\"x\":["), part, &format!("{last}]}}}}}}}}")))
    })
    .collect();
    let names: String = (0..60_000).map(|at| format!("\"{at:026}\":0,")).collect();
    shapes.push(("names", format!("{name}\"encryptedData\":{{{names}\"a\":0}}}}}}").into_bytes()));
    shapes.push(("one text", full(&format!("{name}\"encryptedData\":{{\"k\":\""), "A", "\"}}}")));
    shapes.push(("escapes", full(&format!("{name}\"template\":{{\"type\":\""), "\\u0041", "\"}}}")));
    shapes.push(("YAML list", full("a: [", "x,", "x]\n")));
    shapes.push(("YAML maps", full("", "- a: {}\n", "\n")));
    shapes.push(("YAML aliases", full("a: &a x\nb: [", "*a,", "x]\n")));
    shapes.push(("YAML comments", full("", "#\n", "a: b\n")));
    shapes.push(("padded", full("", " ", &good.to_string())));
    shapes
}

/// Templates that end the process which renders them, or would if the engine did not stop them first.
pub fn templates() -> [String; 6] {
    [
        "{{/**/}}".repeat(20_000),
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}".to_owned(),
        "{{ $x := list }}{{ range until 60000 }}{{ $x = list $x }}{{ end }}{{ $x }}".to_owned(),
        format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}".to_owned(),
        "{{ regexMatch (repeat 50000 \"\\\\pL\") \"a\" }}".to_owned(),
    ]
}

/// The spec of a SealedSecret of 1.3 MB that holds very many values.
pub fn very_many_values() -> Value {
    json!({ "encryptedData": {}, "template": { "metadata": { "a": vec![json!({ "": 0 }); 190_000] } } })
}

/// The beginning of a request whose head never ends.
pub const HALF_A_HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nX: ";
/// A request whose body never comes.
pub const HALF_A_BODY: &[u8] = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n{";
