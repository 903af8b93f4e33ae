//! Opens a SealedSecret, in JSON from standard input, with a key file: `open_secret KEY-FILE < sealed.json`. Shows the names of
//! its items, and no value.

use std::env::args;
use std::error::Error;
use std::time::Instant;
use std::{fs, io};

use sealer_resource::sealer_go::jiff::Timestamp;
use sealer_resource::{Environment, Functions, Keyring, Limits, Rendering, SealedSecret, UnsealingKey};

fn main() -> Result<(), Box<dyn Error>> {
    let key = UnsealingKey::from_pem(&fs::read(args().nth(1).ok_or("give: KEY-FILE")?)?)?;
    let sealed: SealedSecret = serde_json::from_reader(io::stdin())?;
    let environment = Environment { now: Timestamp::UNIX_EPOCH, functions: Functions::default() };
    let started = Instant::now();
    let clock = move || started.elapsed();
    let rendering = Rendering { environment, limits: Limits::default(), clock: &clock };
    let secret = sealed.unseal(&Keyring::from_keys(vec![key]), rendering)?.into_secret(&sealed)?;
    for (item, value) in secret.data.iter().flatten() {
        show(&format!("{item}: {} bytes", value.0.len()));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn show(text: &str) {
    println!("{text}");
}
