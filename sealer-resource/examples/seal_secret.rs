//! Seals a whole Secret, in JSON from standard input: `seal_secret CERTIFICATE < secret.json > sealed.json`.

use std::env::args;
use std::error::Error;
use std::{fs, io};

use sealer_resource::k8s_openapi::api::core::v1::Secret;
use sealer_resource::{Certificate, Scope, SealedSecret};

fn main() -> Result<(), Box<dyn Error>> {
    let certificate = Certificate::first_from_pem(&fs::read(args().nth(1).ok_or("give: CERTIFICATE")?)?)?;
    let secret: Secret = serde_json::from_reader(io::stdin())?;
    let sealed = SealedSecret::seal(&secret, Scope::Strict, certificate.key())?;
    show(&serde_json::to_string_pretty(&sealed)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn show(text: &str) {
    println!("{text}");
}
