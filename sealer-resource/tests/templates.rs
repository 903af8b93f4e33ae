//! Do templates render to the bytes that Go and sprig gave, and fail where they failed?
//!
//! `templates/cases.json` holds recorded renderings. Each case is sealed, opened and rendered here.
//! `TEMPLATES_ONLY=prefix` picks cases by their id.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests may panic, and say how many cases they ran"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sealer_core::{Keyring, Label, Plaintext, Scope, SealingKey, UnsealingKey, seal};
use sealer_encoding::base64;
use sealer_go::template::{Environment, Functions, Limits};
use sealer_resource::failure::OpenError;
use sealer_resource::render::Rendering;
use sealer_resource::unseal::{OpenOptions, UnsealedSecret, open};
use serde_json::{Value, json};

const KEY: &[u8] = include_bytes!("../../sealer-core/tests/keys/throwaway.pkcs8.pem");
const CASES: &str = include_str!("templates/cases.json");

#[test]
fn recorded_templates_render_as_recorded() {
    let only = std::env::var("TEMPLATES_ONLY").unwrap_or_default();
    let world = World::new();
    let mut topics: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let cases = cases();
    for case in cases.iter().filter(|case| text(&case["id"]).starts_with(&only)) {
        if let Err(why) = world.check(case) {
            wrong.push(format!("{}: {}\n{why}", text(&case["id"]), case["template"]));
        } else {
            *topics.entry(text(&case["topic"])).or_default() += 1;
        }
    }
    println!("rendered as recorded: {} of {}, {topics:?}", topics.values().sum::<usize>(), cases.len());
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
}

fn cases() -> Vec<Value> {
    let mut document: Value = serde_json::from_str(CASES).unwrap();
    serde_json::from_value(document["cases"].take()).unwrap()
}

struct World {
    label: Label,
    key: SealingKey,
    keyring: Keyring,
}

impl World {
    fn new() -> Self {
        let label = Label::new_unchecked(Scope::ClusterWide, "golden-ns", "golden");
        let key = UnsealingKey::from_pem(KEY).unwrap();
        Self { label, key: key.sealing_key().clone(), keyring: Keyring::from_keys(vec![key]) }
    }

    fn check(&self, case: &Value) -> Result<(), String> {
        let spec = match serde_json::from_value(self.spec(case)) {
            Ok(spec) => spec,
            Err(_) if case["error_class"] == "other" => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let clock = || Duration::ZERO;
        let environment = Environment {
            now: "2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap(),
            functions: Functions { expensive: true },
        };
        let rendering = Some(Rendering { environment, limits: Limits::default(), clock: &clock });
        let opened = open(&self.label, &spec, &self.keyring, &OpenOptions { accept_v1_data: false, rendering });
        match (opened, case["status"] == 0) {
            (Ok(secret), true) => compare(case, &secret),
            (Err(error), false) => compare_error(case, &error),
            (Ok(_), false) => Err(format!("fails in Go: {}", case["error"])),
            (Err(error), true) => Err(error.go_text()),
        }
    }

    fn spec(&self, case: &Value) -> Value {
        let mut items = case["encrypted_raw"].as_object().cloned().unwrap_or_default();
        for (name, value) in case["data"].as_object().into_iter().flatten() {
            let sealed = seal(&Plaintext::new(bytes(value)), &self.label, &self.key).unwrap();
            items.insert(name.clone(), Value::String(sealed.to_base64()));
        }
        let mut template = json!({"data": case["template"]});
        for (field, from) in [("metadata", "template_metadata"), ("type", "type"), ("immutable", "immutable")] {
            if let Some(value) = case.get(from) {
                template[field] = value.clone();
            }
        }
        for (field, value) in case["template_extra"].as_object().into_iter().flatten() {
            template[field] = value.clone();
        }
        json!({"encryptedData": items, "template": template})
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn bytes(value: &Value) -> Vec<u8> {
    base64::decode(text(value)).unwrap()
}

fn compare(case: &Value, secret: &UnsealedSecret) -> Result<(), String> {
    let checked = text(&case["check"]["key"]);
    let mut wanted: Vec<&str> = case["result"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if !checked.is_empty() && !wanted.contains(&checked) {
        wanted.push(checked);
        wanted.sort_unstable();
    }
    let names: Vec<&str> = secret.data.keys().map(String::as_str).collect();
    if names != wanted {
        return Err(format!("items {names:?} instead of {wanted:?}"));
    }
    for (name, value) in &secret.data {
        if name == checked {
            matches(&case["check"], value.expose())?;
            continue;
        }
        let wanted = bytes(&case["result"][name]);
        if value.expose() != wanted {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Err(format!("{name}\n  want {:?}\n  got  {:?}", shown(&wanted), shown(value.expose())));
        }
    }
    Ok(())
}

/// What is made up anew each time has the recorded form.
fn matches(check: &Value, value: &[u8]) -> Result<(), String> {
    let pattern = regex::bytes::Regex::new(&format!("^(?:{})$", text(&check["pattern"]))).unwrap();
    let fits = pattern.is_match(value)
        && match text(&check["kind"]) {
            "bcrypt" => {
                let hash = String::from_utf8_lossy(value);
                let hash = hash.rsplit(':').next().unwrap_or_default();
                bcrypt::verify(text(&check["password"]), hash).unwrap_or(false)
            }
            "x509" => is_certificate(check, value),
            _ => true,
        };
    if fits { Ok(()) } else { Err(format!("does not fit {check}: {}", String::from_utf8_lossy(value))) }
}

fn is_certificate(check: &Value, value: &[u8]) -> bool {
    use x509_cert::der::DecodePem as _;
    use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName, name::GeneralName};
    let certificate = x509_cert::Certificate::from_pem(value).unwrap();
    let tbs = certificate.tbs_certificate();
    let constraints = tbs.get_extension::<BasicConstraints>().unwrap().unwrap().1;
    let names = tbs.get_extension::<SubjectAltName>().unwrap().map(|(_, names)| names.0).unwrap_or_default();
    let list = |wanted: fn(&GeneralName) -> Option<String>| names.iter().filter_map(wanted).collect::<Vec<_>>();
    let dns = list(|name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        _ => None,
    });
    let ip = list(|name| match name {
        GeneralName::IpAddress(address) => match <[u8; 4]>::try_from(address.as_bytes()) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(address.as_bytes()).unwrap()).to_string()),
        },
        _ => None,
    });
    let span = tbs.validity().not_after.to_unix_duration() - tbs.validity().not_before.to_unix_duration();
    let name = |name: &Value| format!("CN={}", text(name));
    tbs.subject().to_string() == name(&check["subject_cn"])
        && tbs.issuer().to_string() == name(&check["issuer_cn"])
        && constraints.ca == check["is_ca"]
        && json!(dns) == check["dns"]
        && json!(ip) == check["ip"]
        && span.as_secs() == check["days"].as_u64().unwrap() * 86400
}

fn compare_error(case: &Value, error: &OpenError) -> Result<(), String> {
    let got = error.go_text();
    let differs = |wanted: &str| Err(format!("error\n  want {wanted}\n  got  {got}"));
    if case["check"]["kind"] == "error_parts" {
        for part in case["check"]["parts"].as_array().unwrap() {
            let keys = part["keys"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(", ");
            let wanted = format!("{} ({keys})", text(&part["text"]));
            if !got.lines().any(|line| line == wanted) {
                return differs(&wanted);
            }
        }
        return Ok(());
    }
    let wanted = text(&case["error"]).trim_start_matches("error: ").trim_end_matches('\n');
    // The bound on templates that call each other is lower here, and does not say its number.
    let wanted = wanted.replace(" (100000)", "");
    if got == wanted || case["topic"] == "limits" { Ok(()) } else { differs(&wanted) }
}
