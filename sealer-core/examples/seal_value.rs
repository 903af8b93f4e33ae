//! Seals one value with a certificate: `seal_value CERTIFICATE NAMESPACE NAME VALUE-FILE`.

use std::env::args;
use std::error::Error;
use std::fs;

use sealer_core::{Certificate, Label, Plaintext, Scope, seal};

fn main() -> Result<(), Box<dyn Error>> {
    let [certificate, namespace, name, file] =
        args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "give: CERTIFICATE NAMESPACE NAME VALUE-FILE")?;
    let certificate = Certificate::first_from_pem(&fs::read(certificate)?)?;
    let label = Label::new(Scope::Strict, &namespace, &name)?;
    let sealed = seal(&Plaintext::new(fs::read(file)?), &label, certificate.key())?;
    show(&sealed.to_base64());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn show(text: &str) {
    println!("{text}");
}
