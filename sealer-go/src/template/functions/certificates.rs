//! Functions that make keys and certificates.

use std::net::IpAddr;
use std::rc::Rc;

use super::super::error::Fault;
use super::super::format;
use super::super::keys::certificate::{Issuer, Subject, make, read};
use super::super::keys::{PrivateKey, generate};
use super::super::value::{KeyPair, Kind, Value};
use super::{Arguments, Function, Outcome, Runtime};
use sealer_encoding::base64;

const AUTHORITY: &[Kind] = &[Kind::Text, Kind::Int];
const AUTHORITY_WITH_KEY: &[Kind] = &[Kind::Text, Kind::Int, Kind::Text];
const SELF_SIGNED: &[Kind] = &[Kind::Text, Kind::Anys, Kind::Anys, Kind::Int];
const SELF_SIGNED_WITH_KEY: &[Kind] = &[Kind::Text, Kind::Anys, Kind::Anys, Kind::Int, Kind::Text];
const SIGNED: &[Kind] = &[Kind::Text, Kind::Anys, Kind::Anys, Kind::Int, Kind::Certificate];
const SIGNED_WITH_KEY: &[Kind] = &[Kind::Text, Kind::Anys, Kind::Anys, Kind::Int, Kind::Certificate, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::slow("genPrivateKey", &[Kind::Text], |runtime, arguments| {
        let kind = arguments.str(0);
        let made = runtime.budget.off_the_clock(|| generate(&kind));
        match made {
            None => runtime.text(format!("Unknown type {kind}")),
            Some(Err(text)) => runtime.text(format!("failed to generate private key: {text}")),
            Some(Ok(pem)) => runtime.text(pem.as_bytes()),
        }
    }),
    Function::slow("genCA", AUTHORITY, |runtime, arguments| authority(runtime, arguments, None)),
    Function::slow("genCAWithKey", AUTHORITY_WITH_KEY, |runtime, arguments| authority(runtime, arguments, Some(2))),
    Function::slow("genSelfSignedCert", SELF_SIGNED, |runtime, arguments| plain(runtime, arguments, None, None)),
    Function::slow("genSelfSignedCertWithKey", SELF_SIGNED_WITH_KEY, |runtime, arguments| {
        plain(runtime, arguments, Some(4), None)
    }),
    Function::slow("genSignedCert", SIGNED, |runtime, arguments| plain(runtime, arguments, None, Some(4))),
    Function::slow("genSignedCertWithKey", SIGNED_WITH_KEY, |runtime, arguments| {
        plain(runtime, arguments, Some(5), Some(4))
    }),
    Function::slow("buildCustomCert", &[Kind::Text, Kind::Text], |runtime, arguments| {
        let part = |index: usize, what: &str| {
            base64::decode(arguments.bytes(index)).map_err(|_| wrong(format!("unable to decode base64 {what}")))
        };
        let (certificate, key) = (part(0, "certificate")?, part(1, "private key")?);
        runtime.budget.allocate(certificate.len() + key.len())?;
        read(&certificate, "decodedCert").map_err(wrong)?;
        PrivateKey::from_pem(&key).map_err(|text| wrong(format!("error parsing private key: {text}")))?;
        Ok(Value::Certificate(Rc::new(KeyPair { certificate: certificate.into(), key: key.into() })))
    }),
];

/// `name, days` and, where `key` says so, the key to certify.
fn authority(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, key: Option<usize>) -> Outcome {
    let key = key_for(runtime, arguments, key)?;
    let subject = Subject {
        common_name: arguments.str(0).into_owned(),
        addresses: Vec::new(),
        names: Vec::new(),
        days: arguments.int(1),
        authority: true,
    };
    certify(runtime, &subject, &key, None)
}

/// `name, addresses, names, days`, and at the places given a key to certify and a certificate to sign with.
fn plain(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    key: Option<usize>,
    signer: Option<usize>,
) -> Outcome {
    let key = key_for(runtime, arguments, key)?;
    let signer = match signer.map(|index| arguments.any(index)) {
        Some(Value::Certificate(pair)) => {
            let certificate = read(&pair.certificate, "decodedSignerCert").map_err(wrong)?;
            let key = PrivateKey::from_pem(&pair.key);
            Some((certificate, key.map_err(|text| wrong(format!("error parsing private key: {text}")))?))
        }
        _ => None,
    };
    let subject = Subject {
        common_name: arguments.str(0).into_owned(),
        addresses: addresses(runtime, arguments.any(1))?,
        names: names(runtime, arguments.any(2))?,
        days: arguments.int(3),
        authority: false,
    };
    let issuer = signer.as_ref().map(|(certificate, key)| Issuer { certificate: certificate.clone(), key });
    certify(runtime, &subject, &key, issuer.as_ref())
}

fn key_for(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, given: Option<usize>) -> Result<PrivateKey, Fault> {
    match given {
        Some(index) => {
            PrivateKey::from_pem(arguments.bytes(index)).map_err(|text| wrong(format!("parsing private key: {text}")))
        }
        None => runtime.budget.off_the_clock(PrivateKey::for_certificate).map_err(wrong),
    }
}

fn certify(runtime: &mut Runtime<'_, '_>, subject: &Subject, key: &PrivateKey, issuer: Option<&Issuer<'_>>) -> Outcome {
    let now = runtime.environment.now;
    let certificate = runtime.budget.off_the_clock(|| make(subject, key, issuer, now)).map_err(wrong)?;
    let key = key.to_pem().map_err(wrong)?;
    runtime.budget.allocate(certificate.len() + key.len())?;
    Ok(Value::Certificate(Rc::new(KeyPair { certificate: certificate.as_str().into(), key: key.as_str().into() })))
}

fn addresses(runtime: &mut Runtime<'_, '_>, list: &Value) -> Result<Vec<IpAddr>, Fault> {
    let texts = texts(runtime, list, "error parsing ip")?;
    texts.iter().map(|text| text.parse().map_err(|_| wrong(format!("error parsing ip: {text}")))).collect()
}

fn names(runtime: &mut Runtime<'_, '_>, list: &Value) -> Result<Vec<String>, Fault> {
    texts(runtime, list, "error processing alternate dns name")
}

fn texts(runtime: &mut Runtime<'_, '_>, list: &Value, failure: &str) -> Result<Vec<String>, Fault> {
    let Value::List(list) = list else { return Ok(Vec::new()) };
    let mut texts = Vec::new();
    for item in list.items.iter() {
        let Value::Text(text) = item else {
            let shown = format::excerpt(item, runtime.budget)?;
            return Err(wrong(format!("{failure}: {shown} is not a string")));
        };
        texts.push(crate::template::value::lossy(text).into_owned());
    }
    Ok(texts)
}

fn wrong(go_text: impl Into<String>) -> Fault {
    Fault::new("the certificate or key cannot be made from these arguments", go_text)
}
