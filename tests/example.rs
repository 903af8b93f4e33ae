// Runs an example of a crate as a user would; included by the tests of the crates that have some.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What an example prints for these arguments and this standard input.
fn example(name: &str, args: &[&str], input: &[u8]) -> String {
    let folder = std::env::current_exe().unwrap().parent().unwrap().with_file_name("examples");
    let program = folder.join(name);
    // `cargo test` builds the examples as well, `cargo test --test NAME` does not.
    if !program.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--workspace", "--example", name]).status().unwrap();
        assert!(built.success(), "{name} is not built");
    }
    let mut command = Command::new(&program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read its input has ended by now.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
